"""A test's own metrics of a service: a process registers each but once, whichever test did before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY

from serving import watch

OURS = ("onetrunk_", "bentoml_service_")


@contextmanager
def own_metrics() -> Iterator[None]:
    """Begin without any, and leave none to the next."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    watch.metrics.cache_clear()
    watch.labelled.cache_clear()
    for collector, names in [*REGISTRY._collector_to_names.items()]:
        if any(name.startswith(OURS) for name in names):
            REGISTRY.unregister(collector)
