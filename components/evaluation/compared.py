"""Which test rows a model is compared with a release on, and which it is not, in sentences."""

from __future__ import annotations

from components.evaluation.records import RELABELLED, Comparison, HeadEvidence, RowsSince


def since(release: str, known: RowsSince | None) -> list[str]:
    """What has become of the test rows since a release."""
    if known is None:
        return [f"release {release} does not say which rows it learnt from: it may have seen test rows"]
    found = []
    if known.come or known.gone:
        found.append(
            f"the test set is not that of release {release}: {known.come:,} rows have come, "
            f"{known.gone:,} have gone"
        )
    if known.trained_on:
        found.append(
            f"{known.trained_on:,} test rows stand in the training data of release {release} and are not "
            f"compared with it"
        )
    return found


def left_out(release: str, against: Comparison | None, measured: HeadEvidence) -> str | None:
    """How many rows are left out for their labels, whatever labels are read as; None where none are."""
    if against is None or against.changed is None or against.rows is None:
        return None
    read = [one.champion.rows or 0 for one in measured.findings if one.gate == RELABELLED and one.champion]
    learnt, every = against.since.trained_on if against.since else 0, measured.rows.get("test", 0)
    left = every - learnt - max([against.rows, *read])
    if left <= 0:
        return None
    return (
        f"{left:,} of {every:,} test rows are not compared with release {release}: only one of the two knows "
        f"their labels, or those of its answers ({against.changed}); what the model says of them counts for "
        f"its floor alone"
    )
