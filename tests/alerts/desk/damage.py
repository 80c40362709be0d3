"""Damage: one field of one row set to what its column can hold and no writer meant, by the catalogue of the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg

_INTEGERS: Final = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_BY_TYPE: Final[dict[str, tuple[str, ...]]] = {
    **{name: (str(-bound), "-1", "0", str(bound - 1)) for name, bound in _INTEGERS.items()},
    "float4": ("NaN", "Infinity", "-Infinity", "3e38", "-3e38"),
    "float8": ("NaN", "Infinity", "-Infinity", "1e308", "-1e308"),
    "text": ("", "\x01\x7f\u202e", "<script>alert(1)</script>", "x" * 5000),
    "bytea": ("\\x", "\\x00", "\\x" + "5a" * 60),
    "timestamptz": ("infinity", "-infinity", "294276-12-31 23:59Z", "4700-01-01 BC", "1970-01-01 00:00Z"),
    "time": ("00:00", "24:00"),
    "bool": ("true", "false"),
    "xid8": ("1",),
    "jsonb": ("null", "1", '"x"', "[]", "{}", '[[1, "x"]]', "1e400", "9" * 5000, "[" * 1500 + "]" * 1500),
}
_IN_JSON: Final = ("null", '"1950-13-01"', "[]", "1000000000000", "1e400")
_READ_AS_JSON: Final = {"control", "event", "alarm"}
"""Tables whose JSON is read for many: there each field inside is damaged too."""

_COLUMNS: Final = """
SELECT c.relname, a.attname, t.typname, coalesce(e.typname, '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relname <> 'schema_version' ORDER BY 1, a.attnum"""


@dataclass(frozen=True, slots=True)
class Damage:
    """``table.column`` = ``value`` (text of its type, ``None``: NULL) in the row at ``row``."""

    table: str
    column: str
    type: str
    row: str
    value: str | None

    def __str__(self) -> str:
        return f"{self.table}.{self.column} = {str(self.value)[:60]!r}"

    @property
    def statement(self) -> str:
        return f"UPDATE {self.table} SET {self.column} = %s::{self.type} WHERE ctid = '{self.row}'"


def damages(db: psycopg.Connection[Any], rows: dict[str, list[str]]) -> Iterator[Damage]:
    """Every damage of these rows (ctid by table)."""
    for table, column, kind, element in db.execute(_COLUMNS).fetchall():
        of = f"{element}[]" if element else kind
        for row in rows[table]:
            for value in _values(db, table, column, kind, element, row):
                yield Damage(table, column, of, row, value)


def _values(db: psycopg.Connection[Any], table: str, column: str, kind: str, element: str, row: str) -> list[str | None]:
    if element:
        return [None, "{}", "{NULL}", *_in_array(db, table, column, element, row)]
    found: list[str | None] = [None, *_BY_TYPE[kind]]
    if kind == "jsonb" and table in _READ_AS_JSON:
        (stored,) = db.execute(f"SELECT {column} FROM {table} WHERE ctid = '{row}'".encode()).fetchone() or (None,)
        found += list(_in_object(stored))
    return found


def _in_array(db: psycopg.Connection[Any], table: str, column: str, element: str, row: str) -> list[str]:
    query = f"SELECT {column}::text[] FROM {table} WHERE ctid = '{row}'"
    (stored,) = db.execute(query.encode()).fetchone() or ([],)
    return ["{" + ",".join(json.dumps(one) for one in (value, *(stored or [])[1:])) + "}" for value in _BY_TYPE[element]]


def _in_object(stored: object) -> Iterator[str]:
    """The object with each of its fields damaged, and each field of the first object in a list of it."""
    if not isinstance(stored, dict):
        return
    for name, inside in stored.items():
        for value in _IN_JSON:
            yield _with(stored, name, value)
        if isinstance(inside, list) and inside and isinstance(inside[0], dict):
            for deeper in _in_object(inside[0]):
                yield _with(stored, name, f"[{deeper}]")
        elif isinstance(inside, dict):
            for deeper in _in_object(inside):
                yield _with(stored, name, deeper)


def _with(stored: dict[str, Any], name: str, raw: str) -> str:
    return "{" + ", ".join(f"{json.dumps(k)}: {raw if k == name else json.dumps(v)}" for k, v in stored.items()) + "}"
