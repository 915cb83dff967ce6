"""Other values in the text of params.yaml; comments, order and quotes stay."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.util import load_yaml_guess_indent

from components.params.searches import Values, outermost_first


class _Representer(RoundTripRepresenter):
    """Writes 1.0e-05: without the dot, YAML 1.1 (PyYAML) reads a text and not a number."""

    def represent_float(self, data: float) -> Any:
        text = repr(data)
        return self.represent_scalar(
            "tag:yaml.org,2002:float", text if "." in text else text.replace("e", ".0e")
        )


_Representer.add_representer(float, _Representer.represent_float)


def edited(text: str, values: Values) -> str:
    """The text with these values, which are valid where they stand, at their dotted paths."""
    _, indent, offset = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes, yaml.width = True, 10**9
    yaml.indent(mapping=2, sequence=indent or 4, offset=offset or 0)
    root = yaml.load(text)
    for parameter, value in outermost_first(values):
        section = root
        *parents, last = parameter.split(".")
        for parent in parents:
            if isinstance(section.get(parent), str):  # a method by its name alone
                section[parent] = {"method": section[parent]}
            elif section.get(parent) is None:
                section[parent] = {}
            section = section[parent]
        section[last] = value
    written = io.StringIO()
    yaml.dump(root, written)
    return written.getvalue()
