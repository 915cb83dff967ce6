"""examples/news: what prepare.py makes of the packages' files, on synthetic lines of their form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import params
from tests.scripts import script

EXAMPLE = Path(__file__).parents[2] / "examples/news"


@pytest.fixture(scope="module")
def prepare() -> Any:
    return script("examples/news/prepare.py")


def test_a_rating_is_one_of_three_classes_and_remembers_its_article(prepare: Any) -> None:
    lines = ["12_1\t-0.55\tBad.", '12_2\t-0.5\tNot "bad".', "13_1\t0.5\tFair.", "14_1\t0.6\tGood."]
    rows = list(prepare.sentiments(lines))
    assert [row["sentiment"] for row in rows] == ["negative", "neutral", "neutral", "positive"]
    assert [row["article"] for row in rows] == ["12", "12", "13", "14"]
    assert rows[1]["text"] == 'Not "bad".'


def test_articles_of_other_topics_and_repeated_ones_are_left_out(prepare: Any) -> None:
    lines = [
        "Category\tText",
        "discrete\tstring",
        "class\tmeta",
        "crude\toil",
        "cocoa\tbeans",
        "ship\toil",
        "ship\tport",
    ]
    assert list(prepare.reuters(lines, ["crude", "ship"])) == [("crude", "oil"), ("ship", "port")]


def test_the_gloomiest_sentences_are_those_rated_lowest(prepare: Any) -> None:
    lines = ["1_1\t-0.5\tDull.", "1_2\t-3.1\tWar.", "2_1\t2\tPeace.", "2_2\t-1.2\tRain."]
    assert prepare.gloomiest(lines, 2) == ["War.", "Rain."]


def test_gloomy_takeovers_come_on_the_last_day_and_every_article_once(prepare: Any) -> None:
    articles = [("acq", f"offer {number}") for number in range(100)]
    articles += [("earn", f"profit {number}") for number in range(300)]
    gloomy = [f"Woe {number}!" for number in range(20)]
    days = prepare.stream(articles, gloomy)
    texts = [row["text"] for rows in days.values() for row in rows]
    assert sorted(text[text.find("offer") :] if "offer" in text else text for text in texts) == sorted(
        text for _, text in articles
    )
    last = [row["text"] for row in days[prepare.DAYS]]
    assert sorted(text.partition(" offer")[0] for text in last if "Woe" in text) == sorted(gloomy)
    assert sum("Woe" in text for text in texts) == 20
    assert all(days[day] for day in range(prepare.DAYS))
    for day, rows in days.items():
        for row in rows:
            assert (datetime.fromisoformat(row["published"]) - prepare.FIRST).days == day
    ids = [row["id"] for rows in days.values() for row in rows]
    assert len(set(ids)) == len(articles)


def test_an_article_is_of_the_same_moment_whatever_else_there_is(prepare: Any) -> None:
    articles = [("earn", f"profit {number}") for number in range(50)]
    days, fewer = prepare.stream(articles, []), prepare.stream(articles[::2], [])
    moments = {row["id"]: row["published"] for rows in days.values() for row in rows}
    assert all(moments[row["id"]] == row["published"] for rows in fewer.values() for row in rows)


def test_the_settings_are_valid_once_the_sources_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text((EXAMPLE / "params.yaml").read_text())
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/sentiment.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    assert params.load().monitor is not None


def test_its_deployments_are_flows_of_the_project() -> None:
    declared = yaml.safe_load((EXAMPLE / "prefect.yaml").read_text())["deployments"]
    own = yaml.safe_load((EXAMPLE.parents[1] / "prefect.yaml").read_text())["deployments"]
    assert declared[0]["schedules"] == own[0]["schedules"]
    assert declared[0]["work_pool"] == declared[1]["work_pool"] == own[0]["work_pool"]
    for deployment in declared:
        module, _, flow = deployment["entrypoint"].rpartition(".")
        file = EXAMPLE.parents[1] / f"{module.replace('.', '/')}.py"
        assert f"\ndef {flow}(" in file.read_text()
