"""The page docs/writing-a-device-profile.md: its code runs, and its tests pass."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from devices.errors import UndecodableError
from devices.gatt.profiles import PROFILES

PAGE = Path(__file__).parents[2] / "docs/writing-a-device-profile.md"


def code(last: int | None = None) -> dict[str, Any]:
    """The names that the Python blocks of the page define, up to the block ``last``."""
    found: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for block in blocks if last is None else blocks[: last + 1]:
        exec(compile(block, str(PAGE), "exec"), found)
    return found


def test_the_code_of_the_page_runs_and_its_tests_pass() -> None:
    found = code()
    tests = [test for name, test in found.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    assert found["WEIGHT_SCALE"] not in PROFILES, "the page shows how to add what is there already"
    assert len(PAGE.read_text().splitlines()) < 80


def test_the_decoder_of_the_page_reads_the_public_vectors(shared_data: Path) -> None:
    decode = code(0)["decode_weight"]
    vectors = [one for one in json.loads((shared_data / "gatt_vectors.json").read_text()) if one["characteristic"] == "2A9D"]
    assert len(vectors) >= 5
    for vector in vectors:
        expected = vector["expect"]["weight"] * (0.45359237 if vector["expect"]["unit"] == "lb" else 1)
        assert decode(bytes.fromhex(vector["hex"]), 0).samples["value"].tolist() == [pytest.approx(expected, abs=1e-4)]


@pytest.mark.parametrize("data", [b"", b"\x00\x0c", b"\x02\x0c\x3a\xea\x07"])
def test_the_decoder_of_the_page_names_what_is_missing(data: bytes) -> None:
    with pytest.raises(UndecodableError, match="truncated"):
        code(0)["decode_weight"](data, 0)
