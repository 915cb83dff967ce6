"""The packages stand in an order: imports lead downwards, and no two files need each other."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.scripts import ROOT, script
from tests.trees import tree

rooms = script("docs/make_rooms.py")
rooms._tree = tree


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """Files that need each other, if there are such."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_stands_in_a_room() -> None:
    stand = {rooms.room_of(module) for module in rooms.modules() if module not in rooms.PACKAGES}
    assert stand <= set(rooms.ROOMS)


def test_arrows_between_rooms_lead_downwards() -> None:
    height = {room: number for number, room in enumerate(rooms.ROOMS)}
    wrong = [
        f"{room} imports from {other}"
        for room, others in rooms.arrows().items()
        for other in others
        if height[other] >= height[room]
    ]
    assert not wrong


def test_no_two_files_need_each_other() -> None:
    """Not in a function and not under TYPE_CHECKING either. A package and what lies in it count as files."""
    assert circle(rooms.imports(rooms.modules())) == []


def test_a_room_that_is_not_there_is_not_in_the_order() -> None:
    assert all(rooms._is_there(room) for room in rooms.ROOMS)


@pytest.mark.slow
def test_the_page_is_made_from_the_imports() -> None:
    assert rooms.PAGE.read_text(encoding="utf-8") == rooms.page(), f"{sys.executable} docs/make_rooms.py"


def test_a_circle_and_an_arrow_upwards_would_be_seen(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden in a function or under TYPE_CHECKING."""
    for name, text in {
        "settings/a.py": "def f():\n    from components.training import b\n",
        "training/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from components.settings import a\n",
    }.items():
        file = tmp_path / "components" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    known = rooms.modules()
    assert rooms.imports(known) == {
        "components.settings.a": {"components.training.b"},
        "components.training.b": {"components.settings.a"},
    }
    assert rooms.arrows()["settings"] == {"training"}
    assert circle(rooms.imports(known))
    assert tmp_path != ROOT
