"""What `make test-quick` runs: all but what is slow, told by one mark, and watched by the clock.

A test is `slow` by its mark, as a late case of a function that is `slow_after`, or by a fixture that needs a
server or trains a model. Processor seconds are what counts, for they are the same on a busy machine.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import hypothesis
import pytest

SERVICES = {"postgres_port", "s3_address"}  # fixtures
TRAINED = {"judge", "bento"}
DEAR = {*SERVICES, *TRAINED, "server", "client", "forking_python"}
LIMIT = 2.0  # processor seconds of all quick cases of one test function
USED = "processor seconds"


def pytest_configure(config: pytest.Config) -> None:
    """Of a property, a quick run tries less than a third of the examples."""
    if chosen(config):
        hypothesis.settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)  # before the others look at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marks that its fixtures and its number among the cases of its function imply."""
    cases: Counter[str] = Counter()
    for item in items:
        function = item.nodeid.split("[")[0]
        cases[function] += 1
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & SERVICES:
            item.add_marker(pytest.mark.services)
        after = item.get_closest_marker("slow_after")
        if fixtures & DEAR or (after and cases[function] > after.args[0]):
            item.add_marker(pytest.mark.slow)


def chosen(config: pytest.Config) -> bool:
    """Whether this run leaves out what is slow."""
    return bool("not slow" in (config.getoption("markexpr") or ""))


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, as many slow tests wait for a server or for another process."""
    return (os.cpu_count() or 1) + (not chosen(config))


def examples(number: int) -> int:
    """So many examples of a property, and fewer in a quick run, as of one that does not say how many."""
    return number * hypothesis.settings().max_examples // 100


def _used() -> float:
    """Processor seconds of this process and of those that it started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = _used()
    try:
        return (yield)
    finally:
        item.user_properties.append((USED, _used() - before))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the quick tests that are no longer quick."""
    if not chosen(config):
        return
    seconds: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        seconds[report.nodeid.split("[")[0]] += dict(report.user_properties).get(USED, 0)
    terminalreporter.write_line(f"{sum(seconds.values()):.0f} processor seconds in quick tests")
    for function, used in seconds.most_common():
        if used > LIMIT:
            terminalreporter.write_line(f"{function}: {used:.1f} processor seconds; cheaper, or slow?")
