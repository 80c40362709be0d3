"""The Jinja environment: autoescape always on, and the words of :mod:`alerts.desk.worklist.words` as filters."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.desk.worklist import words

HERE: Final = Path(__file__).parents[1]
_TRENDS: Final = {"up": "rising fast", "rise": "rising", "flat": "steady", "fall": "falling", "down": "falling fast"}
_OUTCOMES: Final = {
    "called": "Called", "visit": "Visit", "limits_adjusted": "Limits adjusted", "false_alarm": "False alarm",
}  # fmt: skip


def battery_icon(percent: int) -> str:
    """One of five fillings."""
    return f"i-bat{min(4, max(0, round(percent / 25)))}"


def signal(rssi: int | None) -> tuple[str, str]:
    """Icon and word of a BLE signal strength in dBm."""
    if rssi is None:
        return "i-sig0", "not known"
    for least, icon, word in ((-60, "i-sig4", "good"), (-75, "i-sig3", "good"), (-85, "i-sig2", "fair")):
        if rssi >= least:
            return icon, word
    return "i-sig1", "weak"


def environment() -> Environment:
    """Templates of the desk."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    times = ("hm", "hms", "day", "iso", "span", "born")
    for name in (*times, "what", "plain", "to_do", "first_sentence", "kind_of", "devices_of", "unit_of", "number"):
        pages.globals[name] = getattr(words, name)
    pages.globals.update(STARS=words.STARS, TRENDS=_TRENDS, OUTCOMES=_OUTCOMES, battery_icon=battery_icon, signal=signal)
    return pages
