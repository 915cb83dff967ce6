"""Where a linear model does better than the encoder: the finding, and what to try.

An encoder that is behind n-grams has mostly seen too little: less than a few passes over the rows, or only
where their texts begin (Mosbach, Andriushchenko & Klakow 2021, "On the stability of fine-tuning BERT", on
trainings that are too short).
"""

from __future__ import annotations

from collections.abc import Iterator

from components.evaluation.records import HeadEvidence, MetricEvidence

FEW_EPOCHS = 3.0  # passes over the rows, which fine-tuning usually takes
MANY_CUT = 0.1  # of the training rows


def finding(metric: str, evidence: MetricEvidence, measured: HeadEvidence) -> str | None:
    """A sentence, where the linear baseline is ahead by this metric."""
    if not evidence.linear > evidence.value:
        return None
    how = "clearly" if evidence.over_linear[1] < 0 else "though not clearly"
    return (
        f"a linear model does better on the same rows, {how}: {metric} {_apart(evidence)}; to try: "
        f"{', '.join(_to_try(measured))}"
    )


def _apart(evidence: MetricEvidence) -> str:
    """Both values, with as many digits as tell them apart, three at least."""
    pairs = ((f"{evidence.linear:.{n}f}", f"{evidence.value:.{n}f}") for n in range(3, 17))
    linear, own = next((pair for pair in pairs if pair[0] != pair[1]), (evidence.linear, evidence.value))
    return f"{linear} against {own}"


def _to_try(measured: HeadEvidence) -> Iterator[str]:
    if measured.epochs is not None and measured.epochs < FEW_EPOCHS:
        yield f"a larger training.budget or share (the run shows each row {measured.epochs:.2g} times)"
    if measured.cut is not None and measured.cut > MANY_CUT:
        yield f"a larger max_length (it cuts {measured.cut:.0%} of the training rows)"
    yield "other learning rates (`onetrunk search`), another encoder"
