"""One HTML page about compared rule sets, with nothing beside it: styles and plots (SVG) stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from deploy.evaluation.compared import NOTES, SHORT_S, Burden, record_of

_COLOURS: Final = ("#0b63a5", "#b3541e", "#2f7d4f", "#7a3e9d", "#8a6d00")
_MOST_LOST: Final = 200
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
th,td{padding:.35rem .6rem;border-bottom:1px solid #ccc;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}div{overflow-x:auto}svg{width:100%;min-width:44rem;height:auto}
text{fill:currentColor;font:12px system-ui,sans-serif}
@media (prefers-color-scheme:dark){body{color:#e8e8e8;background:#16181b}th,td{border-color:#444}}
"""


def page_of(burdens: Sequence[Burden], what: str) -> str:
    """The page; ``what``: which records were replayed, in words."""
    rows = [{key: value for key, value in record_of(one).items() if key != "calls_by_rule"} for one in burdens]
    rules = sorted({rule for one in burdens for rule in one.by_rule}, key=lambda rule: -burdens[0].by_rule.get(rule, 0))
    names = [one.name for one in burdens]
    a_day = [[one.by_rule.get(rule, 0) / one.days if one.days else 0.0 for rule in rules] for one in burdens]
    return "\n".join([
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>Rules on {escape(what)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Rules on {escape(what)}</h1>",
        _table(list(rows[0]) if rows else [], [list(row.values()) for row in rows]),
        "<h2>Calls a patient-day by rule</h2>", _bars(names, rules, a_day),
        "<h2>Calls by hour of the day</h2>",
        _hours(names, [one.by_hour for one in burdens]),
        f"<h2>Alarms shorter than {SHORT_S[0]} and {SHORT_S[1]} s, in percent</h2>",
        _bars(names, [f"< {limit} s" for limit in SHORT_S], [[100 * share for share in one.short] for one in burdens]),
        *[_lost(one) for one in burdens[1:]],
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in NOTES)}</ul></body></html>",
    ])  # fmt: skip


def _lost(one: Burden) -> str:
    head = f"<h2>Episodes that {escape(one.name)} loses: {len(one.lost)} of {one.episodes}</h2>"
    rows: list[list[object]] = [
        [e.stay, f"{e.begin / 3600:.2f}", e.end - e.begin, ", ".join(e.rules)] for e in one.lost[:_MOST_LOST]
    ]
    return head + (_table(["patient", "begin (h)", "length (s)", "rules"], rows) if rows else "<p>None.</p>")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{lines}</table>"


def _bars(names: Sequence[str], labels: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Horizontal bars: for each label one a name, each with its value."""
    greatest = max((value for line in values for value in line), default=0.0) or 1.0
    height, left, wide = 14, 230, 520
    parts, y = [], 0
    for at, label in enumerate(labels):
        parts.append(f'<text x="{left - 8}" y="{y + height * len(names) / 2 + 4}" text-anchor="end">{escape(label)}</text>')
        for which, line in enumerate(values):
            length = line[at] / greatest * wide
            colour = _COLOURS[which % len(_COLOURS)]
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{height - 3}" fill="{colour}"/>')
            parts.append(f'<text x="{left + length + 4:.1f}" y="{y + height - 4}">{line[at]:.4g}</text>')
            y += height
        y += 8
    for which, name in enumerate(names):
        parts.append(f'<rect x="{left + 170 * which}" y="{y + 4}" width="12" height="12" fill="{_COLOURS[which % 5]}"/>')
        parts.append(f'<text x="{left + 170 * which + 16}" y="{y + 14}">{escape(name)}</text>')
    return _plot(left + wide + 70, y + 24, parts)


def _hours(names: Sequence[str], values: Sequence[Sequence[int]]) -> str:
    """Upright bars: for each hour of the day one a name."""
    greatest = max((value for line in values for value in line), default=0) or 1
    top, base, each = 20, 160, 31
    width = (each - 6) / max(len(names), 1)
    parts = [f'<text x="0" y="12">at most {greatest} calls in an hour of the day (UTC)</text>']
    for hour in range(24):
        parts.append(f'<text x="{hour * each + each / 2}" y="{base + 16}" text-anchor="middle">{hour:02}</text>')
        for which, line in enumerate(values):
            tall, x = line[hour] / greatest * (base - top), hour * each + 3 + which * width
            colour = _COLOURS[which % len(_COLOURS)]
            parts.append(
                f'<rect x="{x:.1f}" y="{base - tall:.1f}" width="{width:.1f}" height="{tall:.1f}" fill="{colour}"/>'
            )
    for which, name in enumerate(names):
        parts.append(f'<rect x="{170 * which}" y="{base + 26}" width="12" height="12" fill="{_COLOURS[which % 5]}"/>')
        parts.append(f'<text x="{170 * which + 16}" y="{base + 36}">{escape(name)}</text>')
    return _plot(24 * each, base + 44, parts)


def _plot(width: int, height: int, parts: Sequence[str]) -> str:
    return f'<div><svg role="img" viewBox="0 0 {width} {height}">{"".join(parts)}</svg></div>'
