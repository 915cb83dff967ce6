"""What nests too deep for the libraries that read it: libyaml ends the process, and ijson takes memory by the
square of the depth."""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 500  # lists and objects within each other


def parse_yaml(text: str, loader: Any = yaml.CSafeLoader) -> Any:
    """What YAML says, as `loader` reads it: one of libyaml's, and a safe one.

    Raises:
        yaml.YAMLError: it is no YAML, or nests too deep.
    """
    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"lists or keys nest deeper than {DEEPEST}")
    return yaml.load(text, loader)  # noqa: S506 a SafeLoader
