"""MLflow: the server that MLFLOW_TRACKING_URI names, else a SQLite file below .onetrunk."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.training.run.watcher import Logger, Run

if TYPE_CHECKING:
    from components.training.run.state import State

UNFIT = re.compile(r"[^\w/.\- ]")  # characters that no metric's name may have there
BATCH = 500  # values in one request; MLflow takes up to 1,000


class MLflow(Logger):
    """One MLflow run per run, found by a tag. MLflow forgets nothing, so steps that it has are not sent
    again; their values would be the same."""

    package = "mlflow"

    def start(self, run: Run) -> None:
        from mlflow import MlflowClient

        self.folder.mkdir(parents=True, exist_ok=True)
        uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{self.folder.absolute()}/mlflow.db")
        self.client = MlflowClient(uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "onetrunk")
        found = self.client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else self.client.create_experiment(name)
        known = self.client.search_runs([experiment], f"tags.onetrunk = '{run.name}'")
        new = {"run_name": run.name, "tags": {"onetrunk": run.name}}
        self.run = (known[0] if known else self.client.create_run(experiment, **new)).info.run_id
        steps = self.client.get_metric_history(self.run, "learning_rate") if known else []
        self.last = max((metric.step for metric in steps), default=0)
        self.waiting: list[Any] = []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        if step > self.last:
            now = round(1000 * time.time())
            self.waiting += [Metric(UNFIT.sub("_", name), value, now, step) for name, value in values.items()]
        if len(self.waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        for start in range(0, len(self.waiting), BATCH):
            self.client.log_batch(self.run, metrics=self.waiting[start : start + BATCH])
        self.waiting = []

    def stop(self, state: State) -> None:
        self.flush()
        self.client.set_terminated(self.run)


LOGGER = MLflow
