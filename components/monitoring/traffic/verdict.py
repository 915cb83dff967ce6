"""What a window of traffic is: its texts and answers against the reference, and what feedback says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from components.evaluation.picture import MOST_CONFUSIONS
from components.evaluation.records import HeadEvidence
from components.keyed import derive_seed
from components.monitoring.alarm import Found, judge
from components.monitoring.detectors.base import Seen
from components.monitoring.estimates.label_shares import true_shares
from components.monitoring.estimates.right_share import chances_of_being_right, right_of_test_rows
from components.monitoring.traffic import comparing
from components.monitoring.traffic.feedback import Heard, error_of, graded, slack
from components.monitoring.traffic.records import Moved, Quality, Share, Window

Known = Mapping[str, HeadEvidence]  # head -> what was measured of it on the test rows


@dataclass(frozen=True)
class Watch:
    """A window, and what is known of its release."""

    due: comparing.Window
    known: Known
    heard: Sequence[Sequence[Heard]]  # feedback on the release, by windows; the last is this one
    margins: Mapping[str, float]  # a loss that is none, in shares of right answers, by head

    def judged(self, days_between_false_alarms: int, beside: int = 0) -> Window:
        """The verdict; `beside` others share these days."""
        rows, later_N = comparing.side_by_side(self.due)
        answers = [list(graded(window, self.known)) for window in self.heard]
        errors = self._errors()
        allowed = {head: slack(error, self.margins.get(head, 0.0)) for head, error in errors.items()}
        seen = Seen(comparing.texts(rows), later_N, answers, allowed, errors)
        seed = derive_seed("shift", self.due.release, self.due.first.isoformat())
        verdict = judge(seen, days_between_false_alarms, seed, beside)
        quality, ids = verdict.facts(Quality), rows["id"].to_pylist()
        return Window(
            release=self.due.release,
            first=self.due.first,
            last=self.due.last,
            texts=len(self.due.rows),
            reference=len(self.due.reference),
            days_between_false_alarms=days_between_false_alarms,
            p=verdict.p,
            alarm=verdict.alarm,
            moved=[_moved(one, ids) for one in verdict.shifts],
            raised=not verdict.alarm,
            quality=quality,
            worse=[one.test.subject for one in verdict.shifts if isinstance(one.test.facts, Quality)],
            shares=_shares(self.due.rows, self.known),
            right=_right(self.due.rows, self.known),
            right_before=self._right_before(),
        )

    def _errors(self) -> dict[str, float]:
        """head -> by how much its test rows may err, of all answers that were heard."""
        heard: dict[str, list[Heard]] = defaultdict(list)
        for one in chain.from_iterable(self.heard):
            heard[one.task].append(one)
        return {head: error_of(self.known[head], own) for head, own in heard.items() if head in self.known}

    def _right_before(self) -> dict[str, float]:
        calibrated = {head: one.reliability for head, one in self.known.items() if one.reliability}
        return {head: right_of_test_rows(bins)[0] for head, bins in calibrated.items()}


def _moved(found: Found, ids: Sequence[str]) -> Moved:
    typical = [ids[number] for number in found.typical]
    return Moved(subject=found.test.subject, p=found.p, words=found.test.words, typical=typical)


def _shares(rows: pa.Table, known: Known) -> dict[str, dict[str, Share]]:
    """task -> its labels' true shares, where the confusions of its test rows are known, and all of them: of
    many classes the rarest were left out, and a class may have lost all of its own."""
    said = {
        task: f"{task}.label" for task, head in known.items() if 0 < len(head.confusions) < MOST_CONFUSIONS
    }
    found = {
        task: true_shares(known[task].confusions, Counter(rows[column].drop_null().to_pylist()))
        for task, column in said.items() if column in rows.column_names
    }  # fmt: skip
    return {task: shares for task, shares in found.items() if shares}


def _right(rows: pa.Table, known: Known) -> dict[str, Share]:
    """task -> the share of its answers that are right, by how sure the model is."""
    found = {}
    for task, head in known.items():
        columns = [f"{task}.label", f"{task}.probability"]
        if head.reliability and set(columns) <= set(rows.column_names):
            probabilities = np.array(rows[columns[1]].drop_null().to_pylist(), dtype=float)
            if len(probabilities):
                value = float(chances_of_being_right(head.reliability, probabilities).mean())
                found[task] = Share(value=value)
    return found
