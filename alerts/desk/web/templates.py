"""The Jinja environment: autoescape is always on, and templates call :mod:`alerts.desk.worklist.words`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.desk.settings import DeskSettings
from alerts.desk.web.access import may_act
from alerts.desk.worklist import words
from alerts.life.alarm import Alarm
from alerts.life.timing import TIMINGS
from streams.engine.condition import Priority

HERE: Final = Path(__file__).parents[1]
_TREND_WORDS: Final = {"up": "rising fast", "rise": "rising", "flat": "steady", "fall": "falling", "down": "falling fast"}
_TABS: Final = (("patients", "Patients"), ("people", "People"), ("teams", "Care teams"),
                ("devices", "Devices"), ("gateways", "Gateways"), ("reports", "Reports"))  # fmt: skip
_KEYS: Final = (
    ("J K", "next, previous patient; also the arrow keys"),
    ("Enter", "open the patient"),
    ("A", "acknowledge: the patient is yours"),
    ("O", "record the outcome"),
    ("C", "call the patient"),
    ("P", "snooze, with a reason and an end"),
    ("G", "give to a colleague"),
    ("N", "write a note"),
    ("W", "pause the patient who is away, or end the pause"),
    ("E", "enter an observation"),
    ("Z", "undo, for ten seconds"),
    ("X", "select; then one act is for all that are selected"),
    ("Shift J", "select the next one too; with K the previous one"),
    ("Esc", "select nothing"),
    ("V", "show the patients of a line that stands for many"),
    ("F", "only my patients, or everybody"),
    ("H", "hand over the shift"),
    ("U", "update the list"),
    ("M", "sound"),
    ("/", "find a patient"),
    ("?", "these keys"),
)
_IDENTITY_FIELDS: Final = (
    ("family", "Family name", ""),
    ("given", "Given name", ""),
    ("born", "Date of birth", "date"),
    ("record_number", "Record number", ""),
    ("sex", "Sex", "optional"),
    ("phone", "Telephone", "optional"),
)


def battery_icon(percent: int) -> str:
    """The icon of a battery level, one of five."""
    return f"i-bat{min(4, max(0, round(percent / 25)))}"


def signal(rssi: int | None) -> tuple[str, str]:
    """Icon and word of a BLE signal strength in dBm."""
    if rssi is None:
        return "i-sig0", "not known"
    for least, icon, word in ((-60, "i-sig4", "good"), (-75, "i-sig3", "good"), (-85, "i-sig2", "fair")):
        if rssi >= least:
            return icon, word
    return "i-sig1", "weak"


def versions(alarms: Iterable[Alarm]) -> str:
    """The alarms on the screen as acts name them, each with its version: ``12:3 13:1``."""
    return " ".join(f"{alarm.alarm}:{alarm.version}" for alarm in alarms)


def environment(settings: DeskSettings) -> Environment:
    """The templates of the desk."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    times = ("hm", "hms", "day", "iso", "span", "born")
    pages.globals.update(versions=versions)
    texts = ("headline", "plain", "to_do", "first_sentence", "kind_of", "devices_of", "STARS", "OUTCOMES")
    words_by_name = {name: getattr(words, name) for name in (*times, *texts)}
    pages.globals.update(words_by_name, settings=settings, zone=settings.zone, may_act=may_act)
    pages.globals.update(AGAIN_S=TIMINGS[Priority.HIGH].repeat_s)  # an unowned high rings as often as it calls people
    pages.globals.update(KEYS=_KEYS, TABS=_TABS, IDENTITY_FIELDS=_IDENTITY_FIELDS)
    pages.globals.update(TRENDS=_TREND_WORDS, battery_icon=battery_icon, signal=signal)
    return pages
