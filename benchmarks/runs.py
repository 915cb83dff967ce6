"""Runs of hours in sittings of minutes: what was found is a line of a file, and the same command goes on."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]  # all that a run depends on, as JSON has it
Found = dict[str, Any]  # what it came to


class Runs:
    """The runs that were made, in a file, and the time for further ones."""

    def __init__(self, file: Path, minutes: float) -> None:
        self.file, self.until = file, time.monotonic() + 60 * minutes
        self.missing: set[str] = set()  # jobs that were asked for, and for which there was no time
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        whole, end, torn = text.rpartition("\n")
        if torn:  # by a kill in the middle of writing it
            os.truncate(file, len(whole + end))  # lines are ASCII
        self.made = [json.loads(line) for line in whole.splitlines()]

    def found(self, job: Job, work: Callable[[], Found]) -> Found | None:
        """What the job came to, now or before; None where it was never run and the time is over.

        A run that has begun is ended, however long it takes.
        """
        for one in self.made:
            if one["job"] == job:
                known: Found = one["found"]
                return known
        if time.monotonic() >= self.until:
            self.missing.add(json.dumps(job, sort_keys=True))
            return None
        begun = time.monotonic()
        found = work()
        self._keep({"job": job, "found": found, "seconds": round(time.monotonic() - begun, 1)})
        return found

    def _keep(self, line: dict[str, Any]) -> None:
        self.made.append(line)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(f"{line['seconds']:8.1f} s  {line['job']}", file=sys.stderr, flush=True)
