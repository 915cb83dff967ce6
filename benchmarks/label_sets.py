"""Large label sets: the peak memory and the time of each stage, 20,000 classes and 1,000 labels of a text.

`python -m benchmarks.label_sets`: every stage runs as DVC runs it, in a process of its own, over synthetic
texts and a small random encoder; then the service is asked. A dense table of rows and classes, had it been
kept, stands beside what was used.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.goals import Goal, finish

CLASSES, LABELS = 20_000, 1_000
SPLITS = {"train": 2, "validation": 1, "test": 1}  # rows of a class
MOST = 2.0  # GB, of any stage
STAGES = ("ingest", "validate", "encode", "baseline", "train", "evaluate", "gate", "ask")
PER_TASK = ("ingest", "validate", "encode", "baseline")
ASK = """
import json
from pathlib import Path
from serving.predictor import Predictor
answers = Predictor(Path("models/multitask")).predict(["word1 word2 name7"] * 64, None, 3)
print(json.dumps({head: len(answer.probabilities) for head, answer in answers[0].items()}))
"""

TASK: dict[str, Any] = {
    "splits": {},
    "cleaning": {},
    "max_length": 16,
    "example": {"text": "word1 word2"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=CLASSES)
    parser.add_argument("--labels", type=int, default=LABELS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onetrunk-labels-") as folder:
        root = Path(folder)
        rows = write_project(root, arguments.classes, arguments.labels)
        peaks = {stage: run(root, stage) for stage in STAGES}
        sizes = {path.parent.name: path.stat().st_size for path in root.glob("predictions/*.json")}
    print(f"{rows:,} rows; a dense table of rows and classes: {8e-9 * rows * arguments.classes:.1f} GB")
    for stage, (peak, seconds) in peaks.items():
        print(f"{stage:9} {peak:6.2f} GB {seconds:7.1f} s")
    finish(_goals(peaks), rows=rows, classes=arguments.classes, labels=arguments.labels, bytes=sizes)


def _goals(peaks: dict[str, tuple[float, float]]) -> list[Goal]:
    return [
        Goal(f"peak memory of {stage}, GB", peak, (peak, peak), f"<= {MOST}")
        for stage, (peak, _) in peaks.items()
    ]


def write_project(root: Path, classes: int, labels: int) -> int:
    """A task of so many classes and one of so many labels, and the encoder; how many rows either has."""
    made = "import pathlib, benchmarks.label_sets as own; own.write_encoder(pathlib.Path('encoder'))"
    process(root, ["-c", made])  # this process stays small: a child's peak begins with its parent's size
    generator = np.random.default_rng(1)
    (root / "rows").mkdir()
    for split, times in SPLITS.items():
        single: list[dict[str, Any]] = []
        many: list[dict[str, Any]] = []
        for number in generator.permutation(classes * times).tolist():
            words = " ".join(f"word{one}" for one in generator.integers(0, 2000, 6))
            text, name, other = f"{words} {split}{number}", number % classes, number % labels
            single.append({"text": f"{text} name{name % 2000}", "label": f"class {name:05d}"})
            both = sorted({f"label {other:04d}", f"label {(other * 7) % labels:04d}"})
            many.append({"text": f"{text} name{other}", "labels": both})
        for task, rows in {"single": single, "many": many}.items():
            (root / "rows" / f"{task}.{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (root / "params.yaml").write_text(yaml.safe_dump(settings(), sort_keys=False))
    return classes * sum(SPLITS.values())


def settings() -> dict[str, Any]:
    """params.yaml."""
    families = {
        "single": ("classification", "label", "accuracy"),
        "many": ("multi_label", "labels", "micro_f1"),
    }
    tasks = {
        name: {
            **TASK,
            "family": family,
            "source": {
                "path": "rows",
                "format": "jsonl",
                "files": {split: f"{name}.{split}.jsonl" for split in SPLITS},
            },
            "columns": {"text": "text", column: column},
            "gate": {"metric": metric, "floor": 0.0, "margin": 0.5},
        }
        for name, (family, column, metric) in families.items()
    }
    return {
        "seed": 1,
        "packages": {},
        "tasks": tasks,
        "checks": {"min_rows": 5},
        "mixture": {"method": "uniform"},
        "model": {"encoder": "encoder"},
        "training": {
            "tokens": 200_000,
            "tokens_per_step": 8_000,
            "tokens_per_micro_batch": 4_000,
            "learning_rate": 1e-3,
            "head_learning_rate": 1e-2,
            "evaluate_every": 10,
            "validation_rows": 500,
            "patience": 10,
            "checkpoint_every": 20,
        },
        "evaluation": {},
        "packaging": {"name": "labels"},
    }


def write_encoder(folder: Path) -> None:
    """Two layers, 64 wide, random."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = [*special, *(f"{kind}{n}" for kind in ("word", "name") for n in range(2000))]
    size: dict[str, Any] = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
    }
    BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained(folder)
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def run(root: Path, stage: str) -> tuple[float, float]:
    """The peak memory of a stage's processes (GB) and the seconds that they took together."""
    if stage == "train":
        process(root, ["-m", "components.stages.plan"])
    if stage == "evaluate":
        (root / "reports/champion.json").write_text('{"schema_version": 1, "champion": null}')
    if stage == "ask":
        return process(root, ["-c", ASK])
    names = ["single", "many"] if stage in PER_TASK else [""]
    found = [process(root, ["-m", f"components.stages.{stage}", *filter(None, [name])]) for name in names]
    if stage == "validate":
        found.append(process(root, ["-m", "components.stages.data_gate"]))
    return max(peak for peak, _ in found), sum(seconds for _, seconds in found)


def process(root: Path, arguments: list[str]) -> tuple[float, float]:
    """The peak memory (GB) and the seconds of one process; the gate may refuse (2)."""
    started = time.monotonic()
    home = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": home}
    child = subprocess.Popen([sys.executable, *arguments], cwd=root, env=environment)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 2 if "components.stages.gate" in arguments else 0):
        raise SystemExit(f"{' '.join(arguments)} ended with {child.returncode}")
    return used.ru_maxrss / 1e6, time.monotonic() - started


if __name__ == "__main__":
    main()
