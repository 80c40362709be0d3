"""The page docs/writing-a-notification-channel.md: its code runs, and its test passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerts.care.teams import add_team

PAGE = Path(__file__).parents[3] / "docs/writing-a-notification-channel.md"


@pytest.fixture
def team(db: psycopg.Connection[Any]) -> int:
    team = add_team(db, "North")
    db.execute("INSERT INTO patient (patient, identity, team) VALUES (5, '', %s)", [team])
    return team


def test_the_code_of_the_page_runs_and_its_test_passes(db: psycopg.Connection[Any], team: int, tmp_path: Path) -> None:
    text = PAGE.read_text()
    found: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), found)
    found["test_a_message_is_one_file_and_a_failure_waits"](db, team, tmp_path)
    assert len(text.splitlines()) < 80
