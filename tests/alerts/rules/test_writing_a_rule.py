"""docs/writing-a-rule.md: its code runs, and a second rule written from the page alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from alerts.rules.guidance import Guidance

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-rule.md"


def test_the_code_of_the_page_runs_and_its_tests_pass() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 4
    assert sum(len(block.splitlines()) for block in blocks[:2]) < 60
    page: dict[str, Any] = {"__name__": "writing_a_rule"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{PAGE.name}, block {number}", "exec"), page)
    tests = [test for name, test in page.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    for words in page["WORDS"].values():
        assert isinstance(words, Guidance)
        assert words.do.startswith("See or call")
        assert len(words.means) + len(words.do) < 400
