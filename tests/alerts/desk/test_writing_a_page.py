"""The page docs/writing-a-page-of-the-desk.md: its code and template run, and its test passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader

from tests.alerts.desk.conftest import Seeded, Served

PAGE = Path(__file__).parents[3] / "docs/writing-a-page-of-the-desk.md"


def test_the_code_of_the_page_runs_and_its_test_passes(served: Served, seeded: Seeded) -> None:
    text = PAGE.read_text()
    found: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), found)
    (template,) = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    pages = served.app.state.desk.pages
    pages.loader = ChoiceLoader([DictLoader({"devices.html": template}), pages.loader])
    served.app.router.routes.extend(found["ROUTES"])
    found["test_the_page_names_devices_and_hides_other_teams"](served, seeded)
    assert len(text.splitlines()) < 80
