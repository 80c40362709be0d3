"""The page docs/new-device.md: its code runs, and its tests pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from devices.errors import UndecodableError
from devices.gatt.profiles import PROFILES

PAGE = Path(__file__).parents[2] / "docs/new-device.md"


def code(last: int | None = None) -> dict[str, Any]:
    """The names that the Python blocks of the page define, up to the block ``last``."""
    found: dict[str, Any] = {"__name__": __name__}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for block in blocks if last is None else blocks[: last + 1]:
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), found)
    return found


def test_the_code_of_the_page_runs_and_its_tests_pass() -> None:
    found = code()
    tests = [test for name, test in found.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    assert found["PC60"].service not in {one.service for one in PROFILES}, "the page shows how to add what is there already"
    assert len(PAGE.read_text().splitlines()) < 100


@pytest.mark.parametrize("data", [b"", b"\xaa\x55\x0f", b"\xaa\x55\x0f\x08\x01\x61\x46"])
def test_the_decoder_of_the_page_names_what_is_missing(data: bytes) -> None:
    with pytest.raises(UndecodableError, match="truncated"):
        code(0)["decode_pc60"](data, 0)
