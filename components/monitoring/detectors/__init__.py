"""Detectors, each a small file, found by its name: adding one adds a file and touches no other."""

from __future__ import annotations

import importlib
import pkgutil

from components.monitoring.detectors.base import Detector


def every() -> dict[str, Detector]:
    """name -> detector."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    return {name: importlib.import_module(f"{__name__}.{name}").DETECTOR for name in names}
