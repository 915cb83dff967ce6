"""How often the watch over a service's traffic is wrong, and how soon right: `-m benchmarks.monitoring`.

The project's trained model answers texts that are like its own, those of the test rows of a task, and texts
of another kind: the lines of --shifted. Windows without a change are drawn from the first, and with them
comes feedback: the answers to test rows of every task, right or wrong as they are. In a window with a planted
shift, texts of the other kind arrive one by one; with a planted loss, each right answer is wrong one time in
five. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.goals import Goal, finish
from components.data.contract.rows import labelled_rows
from components.environment import restart_tuned
from components.evaluation.records import EVALUATION, Evaluation, HeadEvidence
from components.families.base import Row
from components.files import read_json
from components.monitoring.alarm import judge
from components.monitoring.detectors import quality
from components.monitoring.detectors.base import Graded, Seen, Texts
from components.monitoring.traffic import comparing
from components.monitoring.traffic.feedback import Heard, error_of, graded, slack
from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import OWN
from components.settings.traffic import Traffic

BETWEEN = 180  # windows between two false alarms, the default of the settings
BOTH = 2 * BETWEEN  # of each of shift and feedback, which share the alarms
LIFE = 30  # windows of a release
JUDGED = 20  # answers of a task that feedback judges in a window
LOSS = 0.2  # that is planted
STEP = 50  # requests after which a window with a planted shift is looked at


class Answers(NamedTuple):
    """To the test rows of a head."""

    graded: list[Graded]
    slack: float  # a loss that is none


def main() -> None:
    restart_tuned()
    given = _arguments()
    own = _rows(given.model, _test_rows(given.project, given.task, given.rows))
    other = _rows(given.model, _shifted(given))
    heads = Evaluation.read(given.project / EVALUATION).tasks
    judged = [_judged(given.project, head, one) for head, one in heads.items() if one.reliability]
    answers = [one for one in judged if one.graded]
    shifted = _unchanged(own, given.windows, given.reference, given.size)
    lost = _unchanged_answers(answers, given.windows)
    found = [_found_after(own, other, given.reference, seed) for seed in range(given.planted)]
    waits = [_lost_after(answers, seed) for seed in range(given.planted)]
    told = {"false_alarms": {"shift": shifted, "feedback": lost}, "windows": given.windows}
    told |= {"median_requests": float(np.median(found)), "windows_until_a_loss": float(np.median(waits))}
    finish(_goals(shifted + lost, given.windows, found), **told)


def _goals(alarms: int, windows: int, found: Sequence[int]) -> list[Goal]:
    """False alarms, judged by the lower end of their interval; of planted shifts the one that was found
    last."""
    error = max(alarms, 1) ** 0.5
    between = f"windows between two false alarms, {windows:,} unchanged ones (a standard error each way)"
    low, high = windows / (alarms + error), windows / max(alarms - error, 1e-9)
    asked = f"requests until a planted shift is found, the most of {len(found)}"
    return [
        Goal(between, windows / max(alarms, 1), (low, high)),
        Goal("the lower end of it", low, (low, high), f">= {BETWEEN}"),
        Goal(asked, float(max(found)), (float(min(found)), float(max(found))), "<= 500"),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--task", default="sentiment", help="whose test rows are the usual texts")
    parser.add_argument("--shifted", type=Path, help="a text a line; default: the test rows of --other")
    parser.add_argument("--other", default="news_topic")
    parser.add_argument("--rows", type=int, default=2500, help="of each kind, at most")
    parser.add_argument("--windows", type=int, default=2000, help="without a change")
    parser.add_argument("--planted", type=int, default=20, help="windows with a shift")
    parser.add_argument("--reference", type=int, default=500, help="texts that windows are compared with")
    parser.add_argument("--size", type=int, default=200, help="texts of a window")
    given = parser.parse_args()
    given.model = given.project / "models/multitask"
    return given


def _test_rows(project: Path, task: str, most: int) -> list[str]:
    file = project / f"data/{task}/test.parquet"
    found: list[str] = pq.read_table(file, columns=["text"])["text"].to_pylist()
    return found[:most]


def _shifted(given: argparse.Namespace) -> list[str]:
    if given.shifted is None:
        return _test_rows(given.project, given.other, given.rows)
    lines = given.shifted.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line.strip()][: given.rows]


def _rows(model: Path, asked: Sequence[str]) -> pa.Table:
    """What a service that answers these texts would record of them."""
    from serving.predictor import Predictor

    predictor = Predictor(model)
    labels = {name: card["facts"].get("labels", []) for name, card in predictor.cards.items()}
    maker = RowMaker(model / "tokenizer.json", labels, "benchmark", Traffic())
    rows: list[Row] = []
    for start in range(0, len(asked), 256):
        texts = asked[start : start + 256]
        for text, answers in zip(texts, predictor.predict(texts), strict=True):
            fields = {task: answer.model_dump() for task, answer in answers.items()}
            rows.append(maker.row(0.0, [text], fields))
    return pa.Table.from_pylist(rows).cast(_schema(rows))


def _schema(rows: Sequence[Row]) -> pa.Schema:
    found = pa.Table.from_pylist(list(rows)).schema
    return pa.schema([OWN.field(field.name) if field.name in OWN.names else field for field in found])


def _take(texts: Texts, chosen: np.ndarray) -> Texts:
    numbers = {name: values[chosen] for name, values in texts.numbers.items()}
    words = {name: values[chosen] for name, values in texts.words.items()}
    return Texts(numbers, words, texts.sketches_ND[chosen])


def _unchanged(table: pa.Table, windows: int, reference: int, size: int) -> int:
    """False alarms, each window with a reference of its own."""
    all_texts, alarms = comparing.texts(table), 0
    for seed in range(windows):
        chosen = np.random.default_rng(seed).permutation(len(table))[: reference + size]
        later_N = np.arange(len(chosen)) >= reference
        alarms += judge(Seen(_take(all_texts, chosen), later_N), BOTH, seed).alarm
    return alarms


def _judged(project: Path, head: str, known: HeadEvidence) -> Answers:
    """The answers to a head's test rows, each beside how often such an answer is right."""
    rows = labelled_rows(project / "data" / known.task, "test", head)
    said = read_json(project / "predictions" / f"{head}.json")
    heard = [
        Heard(head, date.min, row["label"] == one["label"], one["probability"])
        for row, one in zip(rows, said, strict=True) if "probability" in one and "label" in one
    ]  # fmt: skip
    return Answers(list(graded(heard, {head: known})), slack(error_of(known, heard), 0.0))


def _unchanged_answers(tasks: Sequence[Answers], windows: int) -> int:
    """False alarms of releases that live for `LIFE` windows or until the first."""
    alarms, seen = 0, 0
    while seen < windows:
        lived = _alarm_after(tasks, 0.0, seen, min(LIFE, windows - seen))
        alarms += lived < min(LIFE, windows - seen) + 1
        seen += min(lived, LIFE)
    return alarms


def _lost_after(tasks: Sequence[Answers], seed: int) -> int:
    """Windows until a loss of `LOSS` of the right answers is an alarm."""
    return _alarm_after(tasks, LOSS, seed, LIFE)


def _alarm_after(tasks: Sequence[Answers], loss: float, seed: int, most: int) -> int:
    """The number of the first window with an alarm, or one past the last."""
    draw, windows = np.random.default_rng(seed), [list[list[Graded]]() for _ in tasks]
    for window in range(1, most + 1):
        for task, known in zip(tasks, windows, strict=True):
            chosen = [task.graded[one] for one in draw.integers(len(task.graded), size=JUDGED)]
            known.append([replace(one, right=one.right and draw.uniform() >= loss) for one in chosen])
        evidence = [quality.evidence(known, task.slack) for task, known in zip(tasks, windows, strict=True)]
        if evidence and float(np.mean(evidence)) >= BOTH:
            return window
    return most + 1


def _found_after(own: pa.Table, other: pa.Table, reference: int, seed: int) -> int:
    """Requests of the other kind after which the window of them alone is an alarm."""
    draw = np.random.default_rng(seed)
    chosen = draw.permutation(len(own))[:reference]
    coming = len(own) + draw.permutation(len(other))
    both = comparing.texts(pa.concat_tables([own, other], promote_options="default"))
    for asked in range(STEP, len(coming) + 1, STEP):
        rows = np.concatenate([chosen, coming[:asked]])
        seen = Seen(_take(both, rows), np.arange(len(rows)) >= reference)
        if judge(seen, BOTH, seed).alarm:
            return asked
    return 10 * len(coming)


if __name__ == "__main__":
    main()
