"""A report as a CSV file that a spreadsheet opens as it is meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def csv_text(records: Sequence[Mapping[str, Any]]) -> str:
    """The records with a line of names above; empty without any."""
    if not records:
        return ""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, fieldnames=list(records[0]))
    rows.writeheader()
    rows.writerows({name: cell(value) for name, value in record.items()} for record in records)
    return text.getvalue()


def cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
