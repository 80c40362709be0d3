"""Rule sets of an installation: versions with who, when and why, and the file of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from alerts.care.limits import rule_set_of, set_rule_set
from alerts.care.limits_check import check_limits
from alerts.database import Tx, scalar
from alerts.errors import InvalidLimitsError
from alerts.rules.defaults import default_rule_file
from alerts.rules.errors import Fault, RuleFileError
from alerts.rules.sets.places import line_of
from alerts.rules.sets.rule_file import RuleFile, read_rule_file
from alerts.rules.sets.written import rule_file_of
from devices.vitals import VITALS, Vital

Record = dict[str, Any]
_HISTORY: Final = """
SELECT r.version, r.created, coalesce(p.sign_in, '') AS by, r.reason FROM rule_set r
LEFT JOIN person p ON p.person = r.by_person ORDER BY r.version DESC"""
_ONE: Final = (
    "SELECT version, content, source FROM rule_set WHERE %s::int4 IS NULL OR version = %s ORDER BY version DESC LIMIT 1"
)


def checked(text: str, version: int = 1) -> RuleFile:
    """A rule file whose limits are possible, too.

    Raises:
        RuleFileError: with all errors and their lines.
    """
    found = read_rule_file(text, version)
    faults = []
    for limit in found.rule_set.limits:
        place = ("limit", VITALS[Vital(limit.vital)].column, limit.side)
        try:
            check_limits([limit])
        except InvalidLimitsError as error:
            faults.append(Fault(line_of(dict(found.places), place), str(error)))
    if not faults:
        try:
            check_limits(found.rule_set.limits)
        except InvalidLimitsError as error:
            faults.append(Fault(line_of(dict(found.places), ("limit",)), str(error)))
    if faults:
        raise RuleFileError(faults)
    return found


def apply(tx: Tx, text: str, by: int, reason: str) -> RuleFile:
    """Make a rule file the newest version: it goes to all partitions as a control record.

    Raises:
        RuleFileError: it has errors.
    """
    newest = tx.execute("SELECT coalesce(max(version), 0) FROM rule_set").fetchone()
    found = checked(text, version=(newest[0] if newest else 0) + 1)
    set_rule_set(tx, found.rule_set, by, reason=reason, source=text)
    return found


def undo(tx: Tx, by: int, reason: str) -> RuleFile:
    """Apply what was in force before the newest version again, as a new version.

    Raises:
        InvalidLimitsError: nothing was applied yet.
    """
    newest = scalar(tx, "SELECT max(version) FROM rule_set")
    if newest is None:
        raise InvalidLimitsError("Nothing was applied yet, so there is nothing to undo.")
    if newest == 1:
        found = default_rule_file()
        text = rule_file_of(found.rule_set, name=found.name, about=found.about, sources=found.sources)
    else:
        text = version(tx, newest - 1)[1]
    return apply(tx, text, by, reason)


def version(tx: Tx, number: int | None) -> tuple[RuleFile, str]:
    """A version of the rule set, or the newest one, and the text of its file.  Before any was set: the default.

    Raises:
        InvalidLimitsError: there is no such version.
    """
    row = tx.execute(_ONE, [number, number]).fetchone()
    if row is None and number is not None:
        raise InvalidLimitsError(f"There is no rule set {number}: see vigil rules history.")
    if row is None:
        found = default_rule_file()
        return found, rule_file_of(found.rule_set, name=found.name, about=found.about, sources=found.sources)
    text = row[2] or rule_file_of(rule_set_of(row[1]), name=f"version {row[0]}")
    return read_rule_file(text, row[0]), text


def history(tx: Tx) -> list[Record]:
    """The versions, the newest first."""
    names: tuple[str, ...] = ("version", "created", "by", "reason")
    rows: list[tuple[int, datetime, str, str]] = tx.execute(_HISTORY).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]
