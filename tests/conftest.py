"""The fixtures of all tests; each stands in its own plugin and starts only what a test needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.alone import turn
from tests.longest import place

pytest_plugins = [
    "tests.fix_home",
    "tests.fix_kafka",
    "tests.fix_database",
    "tests.fix_mqtt",
    "tests.fix_dbus",
    "tests.fix_bluez",
    "tests.fix_browser",
    "tests.fix_worker",
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "partitions(n): how many partitions the test's fresh topic has (default 64)")
    config.addinivalue_line("markers", "alone: nothing else is tested meanwhile, because it compares times")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first.  Slow matrices run only when asked for; the report names them."""
    items.sort(key=lambda item: place(item.path))  # stable: within a file, and among the short ones, nothing moves
    if "full" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(pytest.mark.skip(reason="left out: a slow matrix, run with -m full"))
