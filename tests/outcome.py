"""The outcome in pytest's report: the number that passed and failed, and the reason why others did not run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass
class Outcome:
    """Counts of tests; names of those that did not run, by reason."""

    passed: int = 0
    failed: int = 0
    skipped: dict[str, list[str]] = field(default_factory=dict)


def read_outcome(report: Path) -> Outcome:
    """Read a JUnit report; a missing or broken one is one failure, because the run did not come to its end."""
    outcome = Outcome()
    try:
        cases = list(ET.parse(report).getroot().iter("testcase"))
    except (OSError, ET.ParseError):
        return Outcome(failed=1)
    for case in cases:
        name = f"{case.get('classname', '')}.{case.get('name', '')}".removeprefix("tests.")
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        elif skip is not None:
            outcome.skipped.setdefault(skip.get("message") or "no reason was given", []).append(name)
        else:
            outcome.passed += 1
    return outcome
