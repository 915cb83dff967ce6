"""What is said of a mistake in params.yaml: one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components import params
from components.errors import UserError


def refusal() -> str:
    """The sentence by which the params.yaml of this folder is refused."""
    with pytest.raises(UserError) as error:
        params.load()
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("params.yaml: ")
    return message


def complaint(folder: Path, old: str, new: str) -> str:
    """What is said where `new` stands in place of `old` in params.yaml."""
    text = (folder / "params.yaml").read_text()
    assert old in text
    (folder / "params.yaml").write_text(text.replace(old, new, 1))
    return refusal()


def complaint_of_task(folder: Path, name: str, task: str, old: str, new: str) -> str:
    """What is said where the project's one task is `task`, in YAML, and `new` stands in place of `old` in it."""
    assert old in task
    settings_file = yaml.safe_load((folder / "params.yaml").read_text())
    settings_file["tasks"] = {name: yaml.safe_load(task.replace(old, new, 1))}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings_file, sort_keys=False))
    return refusal()
