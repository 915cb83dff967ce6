"""The runtime that a bundle carries: the fastest on the machine that builds it of those that answer as well.

Speed is measured on tokens of validation rows, each text alone and in passes as the service makes them, in
rounds that take turns. A runtime is shipped only where every head's metric is shown to be within its margin
of eager's, on the test rows and by the test of the gate (`components/evaluation/parity.py`); of those that
are faster the fastest is asked first.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from components.data.batches.pack import Pack
from components.data.encoding.split import EncodedSplit, Tokens
from components.errors import UserError
from components.evaluation.parity import parity
from components.evaluation.records import VERDICT, Verdict
from components.model import runtimes, saving
from components.model.multitask import MultiTaskModel
from components.model.packing import States, packed_states
from components.model.products import lay_out
from components.model.runtimes import EAGER, Runtime, difference
from components.processor import model_name
from components.release.records import RUNTIMES, RuntimeEvidence, RuntimeReport
from components.settings.compression import COMPRESSED
from components.settings.release import AUTO

ROUNDS = 5
LONE = 24  # texts that are asked alone
PASSES = 6  # of several texts
TOKENS = 512  # of a pass, as the service takes them
WORTH = 1.05  # times as fast as eager, or it is not worth its risk
SLACK = 2.0  # times the difference to eager that was found here is allowed elsewhere ...
LEAST = 1e-4  # ... and this, as a share of the largest state

Given = tuple[torch.Tensor, torch.Tensor | None, Pack]


@dataclass
class Workload:
    """What is timed."""

    lone: list[Given]
    passes: list[Given]


@dataclass
class Way:
    """A runtime that begins here, or why it does not."""

    runtime: Runtime
    states: States | None = None
    evidence: RuntimeEvidence = field(default_factory=RuntimeEvidence)

    def note(self, **found: object) -> None:
        """Add to its evidence."""
        self.evidence = self.evidence.model_copy(update=found)

    def fail(self, error: Exception) -> None:
        """It is out, for what its library has said."""
        self.states = None
        self.note(why=_said(error))


def choose(root: Path, wanted: str, made: Path) -> None:
    """Measure the runtimes that are `wanted` (a name, or AUTO) for the model of the project in `root`, and
    write RUNTIMES and the files of the chosen one into `made`; nothing where eager is wanted."""
    if wanted == EAGER:
        return
    model = root / saving.MODEL
    verdict, eager = Verdict.read(root / VERDICT), saving.load(model)
    asked = _offered(root / COMPRESSED) if wanted == AUTO else [wanted]
    ways = {name: _begun(runtimes.find(name), eager, made, root / COMPRESSED) for name in asked}
    of_eager = _time(eager, ways, root / "encoded") if eager.packs else {}
    chosen = _first_that_passes(root, model, ways, verdict)
    _clear(made, ways[chosen].runtime.files if chosen in ways else ())
    _report(wanted, chosen, ways, of_eager, verdict.confidence).write(made / RUNTIMES)


def _offered(compressed: Path) -> list[str]:
    """All runtimes but those of a smaller encoder that nobody wanted."""
    made_of = {name: runtimes.find(name).made_of for name in runtimes.names()}
    return [name for name, of in made_of.items() if of is None or (compressed / of).is_dir()]


def _time(eager: MultiTaskModel, ways: Mapping[str, Way], encoded: Path) -> dict[str, float]:
    """Note how fast each way is that begins here; the seconds of eager."""
    tasks = sorted({card["task"] for card in eager.config.tasks.values()})
    work = workload(encoded, tasks, eager.takes_segments)
    lay_out(eager)  # as the service does
    timed: dict[str, States] = {EAGER: partial(packed_states, eager.encoder)}
    timed |= {name: way.states for name, way in ways.items() if way.states}
    seconds, failed = measure(timed, work)
    for name, error in failed.items():
        ways[name].fail(error)
    of_eager = seconds.pop(EAGER)
    for name, of_way in seconds.items():
        ways[name].note(**of_way, faster=_faster(of_eager, of_way))
    return of_eager


def _report(
    wanted: str, chosen: str, ways: Mapping[str, Way], of_eager: Mapping[str, float], confidence: float
) -> RuntimeReport:
    """What was measured, with how far the chosen one's states may be from eager's elsewhere."""
    own = ways[chosen].evidence.difference if chosen in ways else None
    return RuntimeReport(
        wanted=wanted,
        chosen=chosen,
        most_difference=SLACK * (own or 0.0) + LEAST,
        processor=model_name(),
        threads=torch.get_num_threads(),
        confidence=confidence,
        eager=RuntimeEvidence(faster=1.0).model_copy(update=of_eager),
        runtimes={name: way.evidence for name, way in ways.items()},
    )


def _begun(runtime: Runtime, eager: MultiTaskModel, made: Path, compressed: Path) -> Way:
    """Make a runtime's files and begin it, where this machine can."""
    way = Way(runtime)
    try:
        if (why := _why_not(runtime, eager)) is not None:
            way.note(why=why)
            return way
        runtime.make(eager, made, compressed)
        way.states = runtime.begin(eager, made)
        found = difference.of_made_up_texts(eager, way.states)
        if not math.isfinite(found):
            raise UserError("a state of a made-up text is no number")
        way.note(bytes=sum((made / name).stat().st_size for name in runtime.files), difference=found)
    except Exception as error:  # every library has its own
        way.fail(error)
    return way


def _said(error: Exception) -> str:
    said = str(error).strip()
    return said if isinstance(error, UserError) else f"{type(error).__name__}: {said:.200}"


def _why_not(runtime: Runtime, eager: MultiTaskModel) -> str | None:
    if not eager.packs:
        return "sequences of this encoder cannot be packed"
    absent = [name for name in runtime.makers if importlib.util.find_spec(name) is None]
    return f"{absent[0]} is not installed" if absent else runtimes.why_not(runtime)


def _first_that_passes(root: Path, model: Path, ways: Mapping[str, Way], verdict: Verdict) -> str:
    """The fastest of those that are worth it and answer as well; else eager."""
    by_speed = sorted((name for name in ways if ways[name].states), key=lambda name: -_speed(ways[name]))
    passed = [name for name in by_speed if _answers_as_well(root, model, ways[name], verdict)]
    for slower in passed[1:]:
        ways[slower].note(why=f"slower than {passed[0]}")
    return passed[0] if passed else EAGER


def _answers_as_well(root: Path, model: Path, way: Way, verdict: Verdict) -> bool:
    """Ask a way, where it is worth it."""
    if _speed(way) < WORTH:
        way.note(why=f"not {WORTH:g} times as fast as eager")
        return False
    asked = saving.load(model)
    asked.runtime = way.states
    _ask(root, asked, way, verdict)
    return way.evidence.why is None


def _ask(root: Path, asked: MultiTaskModel, way: Way, verdict: Verdict) -> None:
    """Have a runtime's model answer the test rows, and note what comes of it."""
    try:
        heads = parity(root, asked, verdict.tasks, verdict.confidence)
    except UserError:
        raise
    except Exception as error:  # of a library, at a text that is longer than those that were made up
        way.fail(error)
        return
    lost = [head for head, one in heads.items() if not one.passes]
    way.note(heads=heads, why=f"not shown to be within its margin: {', '.join(lost)}" if lost else None)


def _speed(way: Way) -> float:
    return way.evidence.faster or 0.0


def _faster(eager: Mapping[str, float], other: Mapping[str, float]) -> float:
    """How many times as fast: the geometric mean over texts alone and texts together."""
    return math.sqrt(math.prod(eager[key] / other[key] for key in eager))


def workload(encoded: Path, tasks: Sequence[str], takes_segments: bool) -> Workload:
    """Validation rows of all tasks, as many of each, in an order that chance has drawn once."""
    each = math.ceil((LONE + PASSES * TOKENS // 8) / len(tasks))
    texts = [text for task in tasks for text in _texts(encoded / task / "validation.arrow", each)]
    texts = [texts[place] for place in np.random.default_rng(0).permutation(len(texts))]
    lone = [_packed([text], takes_segments) for text in texts[:LONE]]
    passes = [_packed(some, takes_segments) for some in _passes(texts)]
    return Workload(lone, passes[:PASSES])


def _texts(file: Path, most: int) -> list[Tokens]:
    """The first sequences of rows that lie evenly in a split."""
    split = EncodedSplit(file)
    rows = np.unique(np.linspace(0, len(split) - 1, min(most, len(split))).astype(int))
    return [sequences[0] for sequences in split.gather(rows)]


def _passes(texts: Sequence[Tokens]) -> Iterator[list[Tokens]]:
    some: list[Tokens] = []
    for text in texts:
        if some and sum(len(ids) for ids, _ in [*some, text]) > TOKENS:
            yield some
            some = []
        some.append(text)
    yield some


def _packed(texts: Sequence[Tokens], takes_segments: bool) -> Given:
    ids, segments = (
        torch.from_numpy(np.concatenate(parts).astype(np.int64)) for parts in zip(*texts, strict=True)
    )
    return ids, segments if takes_segments else None, Pack.of([len(one) for one, _ in texts])


@torch.inference_mode()
def measure(
    ways: Mapping[str, States], work: Workload
) -> tuple[dict[str, dict[str, float]], dict[str, Exception]]:
    """Seconds of a text alone and of a pass, by way: the median of rounds that take turns; and the errors of
    those that failed at one, of which eager must not be."""
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    failed: dict[str, Exception] = {}
    for _ in range(ROUNDS + 1):
        for name in [name for name in ways if name not in failed]:
            try:
                rounds[name].append((_seconds(ways[name], work.lone), _seconds(ways[name], work.passes)))
            except Exception as error:  # every library has its own
                if name == EAGER:
                    raise
                failed[name] = error
    return {name: _medians(found) for name, found in rounds.items() if name not in failed}, failed


def _medians(rounds: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Of all rounds but the first, in which is made what is made at first use."""
    lone, of_pass = (statistics.median(one) for one in zip(*rounds[1:], strict=True))
    return {"lone_seconds": lone, "pass_seconds": of_pass}


def _seconds(states: States, given: Sequence[Given]) -> float:
    start = time.perf_counter()
    for one in given:
        states(*one)
    return (time.perf_counter() - start) / len(given)


def _clear(made: Path, kept: Sequence[str]) -> None:
    """Remove what the others have made."""
    for file in made.iterdir():
        if file.name not in kept:
            file.unlink()


def pins_of(made: Path) -> dict[str, str]:
    """name -> installed version of the distributions that the chosen runtime needs, and of all that they
    need; none where there is no report, or eager was chosen."""
    chosen = RuntimeReport.read(made / RUNTIMES).chosen if (made / RUNTIMES).is_file() else EAGER
    return {} if chosen == EAGER else pins(runtimes.find(chosen).packages)


def pins(packages: Iterable[str]) -> dict[str, str]:
    """name -> installed version of these distributions, and of all that they need."""
    seen: dict[str, str] = {}
    waiting = list(packages)
    while waiting:
        found = importlib.metadata.distribution(waiting.pop())
        if (name := canonicalize_name(found.name)) in seen:
            continue
        seen[name] = found.version
        wanted = map(Requirement, found.requires or [])
        waiting += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return dict(sorted(seen.items()))
