"""What params.yaml says of the monitor: where new articles appear, what is counted, when it is a surge."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from components.settings.section import Positive, Section, Unit


class ArticleColumns(Section):
    """The columns of a table of articles; a text file is one article, published when it was written."""

    text: str = "text"  # the column of the words
    # the column of the time, ISO 8601, UTC where it names no zone; without it, when it is first seen
    published: str | None = None
    id: str | None = None  # the column of the identity; without it, articles with the same words are one


class Articles(Section):
    """Where new articles appear."""

    path: str  # a table (.csv, .tsv, .jsonl, .parquet), or a folder of tables and .txt files
    columns: ArticleColumns = ArticleColumns()  # of a table
    encoding: str = "utf-8"  # of text files, as Python names it
    # between the columns of a .csv or .tsv; left out, a comma or a tab
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    # of a .csv or .tsv: the sign before a quotation mark that is part of a value; else the mark is doubled
    escape: Annotated[str, Field(min_length=1, max_length=1)] | None = None


class Negative(Section):
    """The answer that is counted."""

    task: str  # the task that says how an article sounds
    label: str  # its label that is counted


class Monitor(Section):
    """A watch for surges of negative news on a topic (docs/how-to/monitoring.md)."""

    articles: Articles  # where they appear
    topic: str  # the task whose label says what an article is about
    negative: Negative  # the answer that is counted
    # of a window, at most a month: articles are counted by window, and a window is judged once it has ended
    window_hours: Annotated[int, Field(gt=0, le=744), Unit("hours")] = 24
    history_windows: Annotated[Positive, Unit("windows")] = 60  # with which a window is compared
    # of these, with articles on the topic; with fewer there is no verdict
    min_windows: Annotated[int, Field(ge=5), Unit("windows")] = 10
    # false discovery rate over the topics of a window; left out, surges have their share of
    # `traffic.days_between_false_alarms`, or 0.01 where no traffic is watched
    alpha: Annotated[float, Field(gt=0, lt=1)] | None = None

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
