"""What params.yaml says of the monitor: where new articles appear, what is counted, when it is a surge."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from components.settings.section import Positive, Section


class ArticleColumns(Section):
    """The columns of a table of articles; a text file is one article, published when it was written."""

    text: str = "text"
    published: str | None = None  # ISO 8601, UTC where it names no zone; without it, when it is first seen
    id: str | None = None  # without it, articles with the same words are one


class Articles(Section):
    """Where new articles appear."""

    path: str  # a table (.csv, .tsv, .jsonl, .parquet), or a folder of tables and .txt files
    columns: ArticleColumns = ArticleColumns()
    encoding: str = "utf-8"


class Negative(Section):
    """The answer that is counted."""

    task: str
    label: str


class Monitor(Section):
    """A watch for surges of negative news on a topic (docs/how-to/monitoring.md)."""

    articles: Articles
    topic: str  # the task whose label says what an article is about
    negative: Negative
    window_hours: Positive = 24  # articles are counted by window, and a window is judged once it has ended
    history_windows: Positive = 60  # that a window is compared with: those right before it
    min_windows: Annotated[int, Field(ge=5)] = 10  # of them, with articles on the topic; fewer: no verdict
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01  # false discovery rate over the topics of a window

    @model_validator(mode="after")
    def _history_holds_the_least(self) -> Monitor:
        if self.min_windows > self.history_windows:
            raise ValueError(
                f"min_windows {self.min_windows} is above history_windows {self.history_windows}"
            )
        return self

    @property
    def window(self) -> timedelta:
        """The length of a window."""
        return timedelta(hours=self.window_hours)
