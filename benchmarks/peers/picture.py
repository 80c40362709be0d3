"""One run as a picture: ``python -m benchmarks.peers.picture out/peers.json docs/images/peers.svg``.

Bars are medians, lines the spread; the SVG has no background of its own and follows the reader's light or dark scheme.
"""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.roster import VIGIL

WIDTH: Final = 820
_LEFT, _RIGHT, _LINE, _BAR, _HEAD = 170, 110, 26, 16, 58
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.head { font-weight: 600; font-size: 15px; }
.note { fill: #52606d; font-size: 12px; }
.bar { fill: #7b8794; }
.vigil { fill: #0b7285; }
.spread { stroke: #1f2933; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .note { fill: #9aa5b1; }
  .bar { fill: #7b8794; }
  .vigil { fill: #3bc9db; }
  .spread { stroke: #e4e7eb; }
}
"""


def draw(found: dict[str, Any]) -> str:
    """The SVG of what ``python -m benchmarks.peers`` wrote."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for figure in found["figures"]:
        rows.setdefault(figure["row"], []).append(figure)
    parts, top = [], 0
    for name, figures in rows.items():
        parts.append(_panel(name, sorted(figures, key=lambda one: -one["median"]), top))
        top += _HEAD + _LINE * len(figures)
    facts = found["machine"]
    note = f"{facts['cores']} cores, {facts['cpu']}, Kafka {facts['kafka']}; medians, lines from lowest to highest"
    parts.append(f'<text class="note" x="0" y="{top + 14}">{html.escape(note)}</text>')
    title = "; ".join(f"{name}: " + ", ".join(f"{f['name']} {_short(f['median'])}" for f in fs) for name, fs in rows.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 24}" role="img">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(name: str, figures: list[dict[str, Any]], top: int) -> str:
    most = max(figure["high"] for figure in figures)
    scale = (WIDTH - _LEFT - _RIGHT) / most
    unit = html.escape(figures[0]["unit"].replace("CPU-s", "CPU-second"))
    lines = [
        f'<text class="head" x="0" y="{top + 22}">{html.escape(name)}</text>',
        f'<text class="note" x="{_LEFT + 20}" y="{top + 22}">{unit}</text>',
    ]
    for n, figure in enumerate(figures):
        y = top + _HEAD - 24 + _LINE * n
        middle = y + _BAR / 2
        low, high = _LEFT + figure["low"] * scale, _LEFT + figure["high"] * scale
        kind = "vigil" if figure["name"] == VIGIL else "bar"
        lines.append(
            f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{html.escape(figure["name"])}</text>'
            f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{figure["median"] * scale:.1f}" height="{_BAR}" rx="2"/>'
            f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
            f'<text x="{high + 8:.1f}" y="{y + 13}">{_short(figure["median"])}</text>'
        )
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.0f} k" if value >= 1e4 else f"{value / 1e3:.1f} k"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text())))
