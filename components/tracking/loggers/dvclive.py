"""DVCLive: one line per scheduled evaluation, in the layout that `dvc plots` and `dvc metrics` read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.training.run.state import Entry
from components.training.run.watcher import Logger, Run, flat

if TYPE_CHECKING:
    from components.training.run.state import State


class DVCLive(Logger):
    """Written anew from the record whenever a run begins or goes on, so no line is doubled or lost; with
    no time in it, so the same run gives the same bytes. It touches neither dvc.yaml nor git."""

    package = "dvclive"

    def start(self, run: Run) -> None:
        from dvclive import Live

        class WithoutGit(Live):
            """It would ask git for a name and a commit, and fail where there is none yet."""

            def _init_dvc(self) -> None:
                pass

        self.live: Live = WithoutGit(str(self.folder / "dvclive"), dvcyaml=None, save_dvc_exp=False)
        self.best: Entry | None = None
        for entry in run.history:
            self.evaluated(entry)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.live.step = step
        for name, value in values.items():
            self.live.log_metric(name, value)
        self.live.make_summary()

    def step(self, seen: object) -> None:
        """Single steps are too many for files under version control."""

    def evaluated(self, entry: Entry) -> None:
        if self.best is None or entry["score"] > self.best["score"]:
            self.best = entry
        by_head = {"validation": entry["validation"], "loss": entry["training_loss"]}
        by_task = {"weight": entry["weights"], "share": entry["mixture"]}
        own = {name: entry[name] for name in ("score", "learning_rate", "tokens")}
        self.log(entry["step"], own | flat(by_head) | flat(by_task))

    def stop(self, state: State | None = None) -> None:
        """Add what the kept model, that of the best evaluation, scored: what two revisions differ in."""
        if self.best:
            kept = {"step": self.best["step"], "score": self.best["score"]}
            for name, value in (kept | flat({"validation": self.best["validation"]})).items():
                self.live.log_metric(f"kept/{name}", value, plot=False)
        self.live.end()


LOGGER = DVCLive
