"""The lines of a file of patients, read and checked; pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final

import msgspec

from alerts.care.identity import Identity, identifiers, identity_problems
from alerts.errors import InvalidImportError

REQUIRED: Final = ("family", "given", "born", "record")
OPTIONAL: Final = ("sex", "phone", "team", "consent")
MOST_LINES: Final = 2000
"""Patients of one file: they are admitted in one transaction."""
_FIELDS: Final = {"record_number": "record"}  # of the identity, where the column has another name
_ANSWERS: Final = {"yes": True, "no": False, "": False}


class Problem(msgspec.Struct, frozen=True):
    """A problem in one column of a line; the message says what to do."""

    column: str
    message: str


class ImportLine(msgspec.Struct, frozen=True):
    """One patient of the file.  ``line`` counts from 1, the line of the column names; ``team`` is 0 if that is a problem."""

    line: int
    identity: Identity
    team: int
    consent: bool
    problems: tuple[Problem, ...] = ()


def decoded(content: bytes) -> str:
    """The text of a file.

    Raises:
        InvalidImportError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidImportError("The file is no text in UTF-8: save it as “CSV UTF-8” and try again.") from None


def read_lines(text: str, teams: Mapping[int, str], team: int | None, today: date) -> list[ImportLine]:
    """The patients of a file whose first line names the columns: :data:`REQUIRED` and any of :data:`OPTIONAL`.

    Commas, semicolons or tabs separate the values; ``team`` is that of lines without one.  A line with problems stands
    beside the good ones; so does the second of two lines with one record number.

    Raises:
        InvalidImportError: no line can be read: wrong column names, a quote without its end, too many lines.
    """
    rows = _rows(text)
    _, first = next(rows, (0, []))
    columns = [name.strip().casefold() for name in first]
    _check_columns(columns, team)
    lines, seen = list[ImportLine](), dict[str, int]()
    for number, row in rows:
        if len(lines) == MOST_LINES:
            raise InvalidImportError(f"The file has more than {MOST_LINES} patients: divide it.")
        line = _line(number, columns, row, teams, team, today)
        record = identifiers(line.identity).get("record", "")
        if record in seen:
            text = f"Line {seen[record]} has this record number already: correct one of the two, or remove it."
            line = msgspec.structs.replace(line, problems=(*line.problems, Problem("record", text)))
        elif record:
            seen[record] = number
        lines.append(line)
    if not lines:
        raise InvalidImportError("The file has no patient below the line of column names: add one a line.")
    return lines


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its first line."""
    text = text.removeprefix("\ufeff")
    head = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    number = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield number, row
            number = reader.line_num + 1
    except csv.Error:
        raise InvalidImportError(f"From line {number} on the file is no CSV: look for a quote without its end.") from None


def _check_columns(columns: Collection[str], team: int | None) -> None:
    names = f"Columns are {', '.join(REQUIRED)}, and if wanted {', '.join(OPTIONAL)}"
    if missing := [name for name in REQUIRED if name not in columns]:
        raise InvalidImportError(f"The first line has no column {missing[0]}: add it. {names}.")
    if unknown := [name for name in columns if name not in (*REQUIRED, *OPTIONAL)]:
        raise InvalidImportError(f"The first line has a column {unknown[0]!r}: remove or rename it. {names}.")
    if len(set(columns)) < len(columns):
        raise InvalidImportError("The first line names a column twice: remove one.")
    if team is None and "team" not in columns:
        raise InvalidImportError("No care team is named: choose one for the whole file, or add a column team.")


def _line(
    number: int, columns: list[str], row: list[str], teams: Mapping[int, str], team: int | None, today: date
) -> ImportLine:
    cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
    identity = Identity(
        family=cells.get("family", ""),
        given=cells.get("given", ""),
        born=cells.get("born", ""),
        sex=cells.get("sex", ""),
        record_number=cells.get("record", ""),
        phone=cells.get("phone", ""),
    )
    if len(row) != len(columns):
        text = f"The line has {len(row)} values for {len(columns)} columns: add or remove some; quote what holds a comma."
        return ImportLine(number, identity, 0, False, (Problem(columns[min(len(row), len(columns) - 1)], text),))
    problems = [Problem(_FIELDS.get(field, field), text) for field, text in identity_problems(identity, today).items()]
    if "record" not in identifiers(identity) and not any(one.column == "record" for one in problems):
        problems.append(Problem("record", "The record number has no letter or digit: give the one that the ward uses."))
    named = cells.get("team", "")
    found = [one for one, name in teams.items() if named in (str(one), name) or named.casefold() == name.casefold()]
    if not named and team is not None:
        found = [team]
    if len(found) != 1:
        problems.append(Problem("team", _team_problem(named, teams, ambiguous=len(found) > 1)))
    consent = _ANSWERS.get(cells.get("consent", "").casefold())
    if consent is None:
        problems.append(Problem("consent", f"The consent {cells['consent']!r} is neither yes nor no: write one of them."))
    return ImportLine(number, identity, found[0] if len(found) == 1 else 0, bool(consent), tuple(problems))


def _team_problem(named: str, teams: Mapping[int, str], *, ambiguous: bool) -> str:
    if ambiguous:
        return f"Several care teams are called {named!r}: give the team's number."
    there = ", ".join(f"{number} ({name})" for number, name in list(teams.items())[:10]) or "none yet"
    return f"There is no care team {named!r}: give the number or name of one of {there}."
