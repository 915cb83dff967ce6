"""What the champion says of the articles that it has not scored yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from components import families
from components.data.contract.cards import HeadCards
from components.errors import UserError, near_miss
from components.families.base import Prediction
from components.monitoring import articles
from components.monitoring.articles import Article
from components.monitoring.history import History, Score, Window
from components.params.checks.monitor import check_label
from components.release.records import BundleCard
from components.settings.monitor import Monitor
from flows import champion

if TYPE_CHECKING:
    from serving.predictor import Predictor

AT_ONCE = 512  # articles whose scores are kept together: what a killed run repeats, at most


@dataclass
class Scored:
    """What a run has scored."""

    model: str  # SHA-256 of the weights
    release: str
    new: int = 0
    left_out: list[str] = field(default_factory=list)  # a sentence for each article that cannot be read


def score(root: Path, monitor: Monitor, history: History, now: datetime) -> Scored:
    """Score the articles that the champion's model has not scored yet; call it in one's turn.

    An article keeps the time under which it was first seen.

    Raises:
        UserError: nothing has been released, the champion's signature is refused, it lacks a task, or there
            are no articles.
    """
    release, bento = champion.released(root)
    bundle = champion.bundle(bento)
    done = Scored(BundleCard.read(bundle / "card.json").model.sha256, release)
    fresh = _fresh(monitor, history, done, now)
    if not fresh:
        return done
    from serving.predictor import Predictor

    predictor = Predictor(bundle)
    check(predictor.cards, monitor)
    for start in range(0, len(fresh), AT_ONCE):
        scores = list(_scores(predictor, fresh[start : start + AT_ONCE], monitor, done))
        if scores:
            history.add(scores)
        done.new += len(scores)
    return done


def _fresh(monitor: Monitor, history: History, done: Scored, now: datetime) -> list[Article]:
    """Articles that this model has not scored, no older than the history that the newest is compared with."""
    kept = history.read()
    seen = set(kept.filter(pl.col("model") == done.model)["id"])
    first_seen = dict(zip(reversed(kept["id"]), reversed(kept["published"]), strict=True))
    fresh: dict[str, Article] = {}
    for article in articles.read(monitor.articles, now, done.left_out.append):
        if article.id not in seen and article.id not in fresh:
            published = first_seen.get(article.id, article.published)
            fresh[article.id] = Article(article.id, published, article.text, article.place)
    times = [article.published for article in fresh.values()] + [*kept["published"]]
    if not times:
        return []
    newest = Window.of(max(times), monitor.window)
    return [
        article
        for article in fresh.values()
        if Window.of(article.published, monitor.window).number >= newest.number - monitor.history_windows
    ]


def check(cards: HeadCards, monitor: Monitor) -> None:
    """The champion, which may be older than params.yaml, answers what the monitor asks.

    Raises:
        UserError: it lacks a task or a label, or its task of this name is another one.
    """
    for task in (monitor.topic, monitor.negative.task):
        if task not in cards:
            raise UserError(
                f"the champion has no task '{task}'{near_miss(task, cards)}, which params.yaml names under "
                f"monitor; it has {', '.join(cards)}"
            )
        answer = families.get(cards[task]["family"]).response
        if "label" not in answer.model_fields or cards[task]["inputs"] != ["text"]:
            raise UserError(
                f"the champion's task '{task}' does not answer a text with a label, as params.yaml expects "
                f"under monitor; release one that does, or name another task"
            )
    labels = cards[monitor.negative.task]["facts"]["labels"]
    check_label("params.yaml: monitor.negative.label", monitor.negative, labels)


def _scores(
    predictor: Predictor, group: Sequence[Article], monitor: Monitor, done: Scored
) -> Iterator[Score]:
    longest, most = predictor.limits.max_characters, predictor.limits.max_texts
    for start in range(0, len(group), most):
        some = group[start : start + most]
        answered = _answers(predictor, [article.text[:longest] for article in some])
        for article, answers in zip(some, answered, strict=True):
            if isinstance(answers, str):
                done.left_out.append(f"{article.place}: {answers}")
                continue
            topic = answers[monitor.topic]["label"]
            negative = answers[monitor.negative.task]["label"] == monitor.negative.label
            said = json.dumps(answers, ensure_ascii=False)
            yield Score(article.id, article.published, topic, negative, said, done.model)


def _answers(predictor: Predictor, texts: Sequence[str]) -> list[dict[str, Prediction] | str]:
    """Each text's answers by task, or the sentence that says why it has none."""
    from serving.requests import BadRequestError

    try:
        answered = predictor.predict(texts, None)
    except BadRequestError as error:
        if len(texts) == 1:
            return [str(error).removeprefix("texts[0]: ")]
        return [answers for text in texts for answers in _answers(predictor, [text])]
    return [{task: answer.model_dump() for task, answer in answers.items()} for answers in answered]
