"""Label Studio's exports, JSON or JSON-MIN: spans, relations, choices, ratings, of all annotators."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from components.data.sources.crowd import Answer, agreement, majority
from components.data.sources.documents import Document, classes
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Skipped, Unreadable, Values
from components.errors import BadRowError
from components.families.shared.spans import span_list
from components.settings.data import Source

OWN = ("text", "spans", "label", "labels", "relations")  # columns that no question's name takes
MINIMAL = ("annotation_id", "lead_time", "created_at", "updated_at", "annotator")  # what JSON-MIN adds
ABOUT_SPANS = {"choices", "rating", "number", "taxonomy"}  # what else is asked of a span, which is left out
REGIONS = {"x", "points", "rle", "sequence", "channel"}  # what places in pictures and recordings have
LONGEST = 6  # words of a choice, by which JSON-MIN tells it from a text
Result = Mapping[str, Any]


def read_label_studio(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, `label`, `labels`, relations, the task's data, and what each question (by its
    `from_name`) was answered; of several annotators as `source.crowd` says."""
    objects, texts = without_repeats(read_objects(path, source)), _texts(path, source)
    for _, of_task in groupby(objects, key=lambda each: str(each[1].get("id", each[0]))):
        tasks = list(of_task)
        number = tasks[0][0]
        if isinstance(tasks[0][1], Skipped):
            yield from tasks
            continue
        try:
            yield from ((number, row) for row in _rows([task for _, task in tasks], source, texts))
        except BadRowError as error:
            yield number, Unreadable(str(error))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"no {error}" if isinstance(error, KeyError) else str(error)
            yield number, Unreadable(f"not a task that Label Studio exports ({problem:.80})")


def _rows(
    tasks: Sequence[Mapping[str, Any]], source: Source, texts: Collection[str]
) -> Iterator[Document | Skipped]:
    """A text and what its annotators say: a task, or in JSON-MIN one for each annotator."""
    full = isinstance(tasks[0].get("data"), Mapping)
    results = _results(tasks[0]) if full else [_minimal(task, texts) for task in tasks]
    if not results:
        yield Skipped("a task without an annotation")
        return
    data = dict(tasks[0]["data"]) if full else _data_of_minimal(tasks[0])
    columns = {**data, "id": tasks[0].get("id"), "text": _text(data, results[0])}
    if any("globalOffsets" in result.get("value", ()) for of_one in results for result in of_one):
        columns["text"] = shown_text(columns["text"])
    answers = [_answer(of_one) for of_one in results]
    written = {
        one["from_name"] for of_one in results for one in of_one if {*one.get("value", ())} == {"text"}
    }
    if source.crowd == "each" or len(answers) == 1:
        yield from (_document(columns, answer, written) for answer in answers)
        return
    voted = majority(answers)
    agreed = agreement(answers)
    undecided = Skipped("a text whose annotators are undecided")
    yield _document(columns, voted, written, agreed) if voted else undecided


def _results(task: Mapping[str, Any]) -> list[Sequence[Result]]:
    """What each annotator who did not skip the task says; a declared ground truth stands alone."""
    given = task.get("annotations", task.get("completions", ()))
    done = [one for one in given if not one.get("was_cancelled")]
    truth = [one for one in done if one.get("ground_truth")]
    return [one["result"] for one in truth[:1] or done]


def _texts(path: Path, source: Source) -> set[str]:
    """Columns of JSON-MIN that hold texts, not choices; as nothing says so, they are told by a long one."""
    given = (found for _, found in read_objects(path, source) if not isinstance(found.get("data"), Mapping))
    values = ((name, value) for found in given for name, value in found.items() if isinstance(value, str))
    return {name for name, value in values if len(value.split()) > LONGEST}


def _minimal(task: Mapping[str, Any], texts: Collection[str]) -> list[Result]:
    """The questions of JSON-MIN, as the full export has them."""
    none = {"text", "id", *MINIMAL, *texts}
    found: list[Result] = []
    for name, value in task.items():
        if _is_spans(value):
            found += [{"from_name": name, "value": span} for span in value]
        elif isinstance(value, Mapping) and len(value) == 1 and isinstance(next(iter(value.values())), list):
            found.append({"from_name": name, "value": value})  # several choices
        elif isinstance(value, str | int | float) and name not in none:
            found.append({"from_name": name, "value": {"choices": [value]}})
    return found


def _data_of_minimal(task: Mapping[str, Any]) -> Values:
    return {name: value for name, value in task.items() if not isinstance(value, list | dict)}


def _is_spans(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(one, Mapping) and {"start", "end"} <= one.keys() for one in value)


def _text(data: Values, results: Sequence[Result]) -> Any:
    """What the questions are about, if that is clear; the labelling setup, which knows, is not exported."""
    asked = [result["to_name"] for result in results if "to_name" in result]
    texts = [name for name, value in data.items() if isinstance(value, str)]
    known = [name for name in (*asked, "text") if name in texts] or (texts if len(texts) == 1 else [])
    return data[known[0]] if known else None


def _answer(results: Sequence[Result]) -> Answer:
    spans: dict[str, Span] = {}
    chosen: dict[str, list[Any]] = {}
    for number, result in enumerate(results):
        value = result.get("value", {})
        if not REGIONS.isdisjoint(value):
            raise BadRowError(
                f"'{result['from_name']}' marks a region of a picture or a recording, expected texts"
            )
        if "start" in value:
            if ABOUT_SPANS.isdisjoint(value):
                (span,) = span_list([{**value, **_places(value), "type": _kind(value)}])
                name = f"{span['start']}-{span['end']}-{span['type']}"
                spans[result.get("id", str(number))] = {**span, "id": name}
        elif value:
            given = value["taxonomy"] if "taxonomy" in value else next(iter(value.values()))
            given = [" > ".join(path) for path in given] if "taxonomy" in value else given
            chosen.setdefault(result["from_name"], []).extend(given if isinstance(given, list) else [given])
    links = [link for result in results if result.get("type") == "relation" for link in _links(result, spans)]
    chosen = {name: values for name, values in chosen.items() if values}
    return Answer(list(spans.values()), links, chosen)


def _places(value: Mapping[str, Any]) -> Mapping[str, int]:
    """Where a span of a page stands in the text that is shown; of plain text nothing is to be said.

    Raises:
        BadRowError: the page alone could tell.
    """
    if not isinstance(value["start"], str):
        return {}
    if "paragraphlabels" in value:
        raise BadRowError(
            "a span of a dialogue's paragraphs, which have no text of their own; annotate plain text"
        )
    found = value.get("globalOffsets")
    if not isinstance(found, Mapping):
        raise BadRowError(
            f"a span from {value['start']!r:.40} is placed within a page's elements, expected "
            f"`globalOffsets` beside it, as newer exports have them; export again, or annotate plain text"
        )
    return {"start": found["start"], "end": found["end"]}


def shown_text(page: Any) -> Any:
    """The text of a page in HTML, as its elements' texts follow each other."""
    parts: list[str] = []
    parser = HTMLParser(convert_charrefs=True)
    parser.handle_data = parts.append  # type: ignore[method-assign,assignment]
    parser.feed(page if isinstance(page, str) else "")
    parser.close()
    return "".join(parts) or page


def _kind(value: Mapping[str, Any]) -> Any:
    """A span's labels stand under the name of its kind: `labels`, `hypertextlabels`."""
    found = [given for name, given in value.items() if name.endswith("labels")]
    if not found:
        raise BadRowError(f"a span from {value['start']} to {value['end']} without a label")
    return found[0]


def _links(result: Result, spans: Mapping[str, Span]) -> list[tuple[str, str, str]]:
    """A relation to the right leads from its first span to its second; `bi` leads both ways."""
    missing = [end for end in (result["from_id"], result["to_id"]) if end not in spans]
    if missing:
        raise BadRowError(f"a relation leads to '{missing[0]}', which is no span")
    ends = spans[result["from_id"]]["id"], spans[result["to_id"]]["id"]
    kind = (result.get("labels") or ["related"])[0]
    ways = {"left": [ends[::-1]], "bi": [ends, ends[::-1]]}.get(result.get("direction", "right"), [ends])
    return [(*way, kind) for way in ways]


def _document(
    columns: Values, answer: Answer, written: Collection[str], agreed: float | None = None
) -> Document:
    """Each answer by its question's name too; `label` and `labels` are those of the question called label,
    or of all that have classes, which what annotators have written is not."""
    own = {name: values[0] if len(values) == 1 else list(values) for name, values in answer.chosen.items()}
    chosen = ((name, values) for name, values in answer.chosen.items() if name not in written)
    named = {name: values for name, values in chosen if isinstance(values[0], str)}
    asked = [named["label"]] if "label" in named else named.values()
    own = {name: value for name, value in own.items() if name not in OWN} | classes(chain(*asked))
    return Document({**columns, **own, "spans": list(answer.spans)}, answer.relations, agreed)


def _is_label_studio(sample: Sample) -> bool:
    """The full export's results, or spans with a list of labels beside their text."""
    full = all(isinstance(one.get("data"), dict) and _is_annotated(one) for one in sample.objects)
    some = [span for one in sample.objects for value in one.values() if _is_spans(value) for span in value]
    minimal = bool(some) and all("labels" in span and "text" in span for span in some)
    choices = all("annotation_id" in one for one in sample.objects)
    return bool(sample.objects) and (full or minimal or choices)


def _is_annotated(task: Mapping[str, Any]) -> bool:
    return isinstance(task.get("annotations", task.get("completions")), list)


FORMATS = {"label_studio": Format(read_label_studio, _is_label_studio)}
