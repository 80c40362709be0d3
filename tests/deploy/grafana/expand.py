"""A query as Grafana sends it to PostgreSQL: variables, the interval, the macros of its data source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

Chosen = Mapping[str, str | list[str]]

_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")  # as Grafana has it: an argument holds no parenthesis
_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Range:
    since: datetime
    until: datetime

    def interval_ms(self, points: int | None) -> int:
        """The next round interval that gives no more than `points` points (a full-width panel where it says nothing)."""
        wanted = (self.until - self.since) / (points or 1200)
        return next((s for s in _STEPS_S if timedelta(seconds=s) >= wanted), _STEPS_S[-1]) * 1000


def expand(sql: str, shown: Range, chosen: Chosen, *, points: int | None = None) -> str:
    """The query as sent.  A variable in `chosen` is a word, or a list of them where several may be chosen."""
    interval = shown.interval_ms(points)
    sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda m: _quoted(chosen[m[1]]), sql)
    for name, value in chosen.items():
        sql = re.sub(rf"\$\{{{name}\}}|\${name}\b", str(value), sql)
    sql = sql.replace("$__interval_ms", str(interval)).replace("$__interval", f"{interval // 1000}s")
    sql = _MACRO.sub(lambda m: _macro(m[1], [one.strip() for one in m[2].split(",")], shown), sql)
    assert "$" not in sql, f"Grafana would leave this as it is: {sql[sql.index('$') :][:40]}"
    return sql


def _quoted(value: str | list[str]) -> str:
    values = [value] if isinstance(value, str) else value
    return ",".join("'" + one.replace("'", "''") + "'" for one in values)


def _macro(name: str, arguments: list[str], shown: Range) -> str:
    since, until = (f"'{at.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'" for at in (shown.since, shown.until))
    column = arguments[0]
    match name:
        case "__timeFrom":
            return since
        case "__timeTo":
            return until
        case "__timeFilter":
            return f"{column} BETWEEN {since} AND {until}"
        case "__timeGroup" | "__timeGroupAlias":
            seconds = float(arguments[1].strip("'s"))
            alias = ' AS "time"' if name.endswith("Alias") else ""
            return f"floor(extract(epoch from {column})/{seconds:g})*{seconds:g}{alias}"
    raise AssertionError(f"Grafana knows no macro {name}")
