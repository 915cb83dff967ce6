"""What settings of the monitor and of what a service keeps cannot be: one sentence each, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from tests.conftest import PARAMS
from tests.params.messages import refusal

MONITOR = "monitor: {articles: {path: news, %s}, topic: mood, negative: {task: mood, label: down}}"
AMONG = (
    "where a run writes and removes what lay there before; expected a folder of its own, such as monitoring/"
)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (MONITOR % "encoding: utf-9", "monitor.articles.encoding: unknown encoding 'utf-9' (did you mean 'utf-8'?)"),
        (MONITOR % 'encoding: "a\\0b"', "monitor.articles.encoding: unknown encoding"),
        (MONITOR.replace("path: news", "path: ' '") % "", "monitor.articles.path: found ' ', expected a file or a folder here"),
        (MONITOR.replace("path: news", "path: 's3://a/b.csv'") % "", "monitor.articles.path: found an address, expected a file"),
        (MONITOR.replace("topic", "window_hours: 1000000000000, topic") % "",
         "monitor.window_hours: found 1000000000000, input should be less than or equal to 744"),
        ("traffic: {keep_days: 1000000000}", "traffic.keep_days: found 1000000000, input should be less than or equal to 36500"),
        ("retrain: {cooldown_days: 1000000000}", "retrain.cooldown_days: found 1000000000, input should be less than or eq"),
        ("traffic: {redact: ['[']}", "traffic.redact: found '[', which is no regular expression"),
        ("feedback: {max_bytes: yes}", "feedback.max_bytes: found true, expected a number"),
        ("feedback: {folder: ''}", "feedback.folder: found '', expected the name of a folder"),
        ("traffic: {folder: \"a\\0b\"}", "traffic.folder: found 'a\\x00b', expected the name of a folder"),
        ("feedback: {folder: data}", f"feedback.folder: 'data' meets data/mood/, {AMONG}data"),
        ("traffic: {folder: bento/x}", f"traffic.folder: 'bento/x' meets bento/, {AMONG}x"),
        ("feedback: {folder: .}", f"feedback.folder: '.' meets program/, {AMONG}kept"),
        ("feedback: {folder: sources/mood.csv/x}", "feedback.folder: found 'sources/mood.csv/x', where a file is; expected a"),
        ("feedback: {folder: 's3://bucket/x'}", "feedback.folder: found 's3://bucket/x', expected the name of a folder here"),
        ("remotes: {new: {kind: url, address: 'https://a.example/b.csv'}}\nfeedback: {folder: downloads/new/x}", f"feedback.folder: 'downloads/new/x' meets downloads/new/, {AMONG}x"),
        ("traffic: {folder: .onetrunk/checkpoints}", f"traffic.folder: '.onetrunk/checkpoints' meets .onetrunk/, {AMONG}checkpoints"),
        (f"feedback: {{folder: {'x' * 300}}}", f"feedback.folder: {'x' * 300}: a longer name than this system allows"),
        ("traffic: {folder: circle/x}", "traffic.folder: circle/x: links that lead to one another; expected a file or a folder"),
        (MONITOR % "encoding: rot13", "monitor.articles.encoding: unknown encoding 'rot13'"),
        ("traffic: {folder: x}\nfeedback: {folder: ./x/../x}", "traffic.folder: found 'x', which is feedback.folder; expected a folder of its own"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("tiny_project")
def test_a_mistake_is_one_sentence(section: str, said: str) -> None:
    Path("params.yaml").write_text(f"{PARAMS}{section}\n")
    Path("circle").symlink_to("circle")
    assert refusal().startswith(f"params.yaml: {said}")


@pytest.mark.parametrize("folder", ["kept", "sources", "/data/kept", "downloads/kept"])
@pytest.mark.usefixtures("tiny_project")
def test_a_folder_that_no_run_writes_is_taken(folder: str) -> None:
    Path("params.yaml").write_text(f"{PARAMS}feedback: {{folder: {folder}}}\ntraffic: {{}}\n")
    feedback = params.load().feedback
    assert feedback is not None
    assert feedback.folder == folder


@pytest.mark.usefixtures("tiny_project")
def test_articles_in_an_encoding_that_there_is_are_taken() -> None:
    Path("params.yaml").write_text(f"{PARAMS}{MONITOR % 'encoding: cp1252'}\n")
    monitor = params.load().monitor
    assert monitor is not None
    assert monitor.articles.encoding == "cp1252"


@pytest.mark.parametrize("key", ["path: sources/mood.csv", "encoder: encoder"])
@pytest.mark.usefixtures("tiny_project")
def test_a_link_to_nothing_is_called_one(key: str) -> None:
    """To say "did you mean" of the very name would help nobody."""
    Path("kept").symlink_to("elsewhere")
    Path("params.yaml").write_text(PARAMS.replace(key, f"{key.partition(':')[0]}: kept"))
    assert refusal().endswith(": no such file 'kept', a link to nothing")
