"""The ward: who is where, what alarms, whether the data still come."""

from __future__ import annotations

from typing import Final

from deploy.grafana import ward_query as query
from deploy.grafana.dashboard import dashboard, query_variable
from deploy.grafana.look import CALM, HIGH, MEDIUM, TECHNICAL, Json, colored, fixed, override, thresholds, words
from deploy.grafana.panel import stat, table, text, trend
from devices.vitals import VITALS

UID: Final = "vigil-ward"
PATIENT_UID: Final = "vigil-patient"
NOTICE: Final = (
    "**Not a medical device.** For overview only: patients are shown by number, values may be late, "
    "and alarms are worked at the desk."
)

_PRIORITIES: Final = {"High": HIGH, "Medium": MEDIUM, "Low": TECHNICAL}
PRIORITY: Final = override(
    "Priority",
    mappings=words(**{name.lower(): color for name, color in _PRIORITIES.items()}),
    custom__cellOptions={"type": "color-background", "mode": "basic"},
    custom__width=90,
)
AGES: Final = override("/^Since$| ago$/", unit="s", decimals=0)
_LINK: Final = f"/d/{PATIENT_UID}?var-patient=${{__value.raw}}&${{__url_time_range}}"
_PATIENT: Final = override("Patient", links=[{"title": "Trends of this patient", "url": _LINK}], custom__width=90)


def _value_columns() -> list[Json]:
    """A value's own decimals, its age beside it: yellow at half its validity, red beyond it."""
    shown = []
    for spec in (VITALS[vital] for vital in query.SHOWN):
        limits = thresholds((spec.validity_s / 2, MEDIUM), (spec.validity_s, HIGH))
        colored_text = {"type": "color-text"}
        shown += [
            override(spec.short, decimals=spec.decimals),
            override(f"{spec.short} age", unit="s", decimals=0, custom__cellOptions=colored_text, thresholds=limits),
        ]
    return shown


WARD: Final = dashboard(
    UID,
    "Ward",
    "All patients in care: latest values with their ages, open alarms, and whether the data still come.",
    since="now-6h",
    refresh="30s",
    variables=[query_variable("team", "Care team", query.TEAMS, many=True)],
    panels=[
        text(NOTICE),
        stat(
            "Open alarms",
            query.OPEN_COUNT,
            "Open alarms of these patients and of the pipeline, by priority.",
            width=10,
            overrides=colored(**_PRIORITIES, Unacknowledged=CALM),
            color=fixed(CALM),
        ),
        stat("Patients", query.PATIENTS, "Patients in care of the chosen teams.", width=3, color=fixed(CALM)),
        stat(
            "Pipeline",
            query.BEHIND,
            "Age of the newest record that each partition of the log has brought into the database; the "
            "oldest counts. Above 10 s the partition's missing-data timers stand still.",
            width=6,
            thresholds=thresholds((10, MEDIUM), (30, HIGH)),
            overrides=[
                override("Data behind by", unit="s", decimals=0),
                override("Partitions behind", thresholds=thresholds((1, HIGH))),
            ],
        ),
        stat(
            "Devices",
            query.SILENT_COUNT,
            "Worn devices that report by themselves and have not for longer than the rule set allows.",
            width=5,
            color=fixed(CALM),
            overrides=[override("Silent", thresholds=thresholds((1, TECHNICAL)), color={"mode": "thresholds"})],
        ),
        table(
            "Latest values",
            query.LATEST,
            "The newest value of each vital, empty where the newest is unusable, with the age of its "
            "measurement: yellow from half its validity, red where it may decide nothing.",
            width=24,
            height=11,
            overrides=[_PATIENT, *_value_columns()],
        ),
        table(
            "Open alarms, most urgent first",
            query.OPEN_ALARMS,
            "Without a patient: an alarm of the pipeline.",
            width=14,
            overrides=[PRIORITY, _PATIENT, AGES],
        ),
        table(
            "Silent devices",
            query.SILENT,
            "Last measured and last arrived are different things: a drained backlog is not live.",
            width=10,
            overrides=[_PATIENT, AGES],
        ),
        trend(
            "Alarms per patient-day",
            query.PER_PATIENT_DAY,
            "Onsets of a day (UTC) over its patient-days with data (patient-hours with a value / 24).",
            unit="none",
            width=12,
            decimals=1,
            custom={"drawStyle": "bars", "fillOpacity": 70, "stacking": {"mode": "normal", "group": "A"}},
            overrides=colored(**_PRIORITIES),
        ),
        trend(
            "From measured to arrived",
            query.DELAY,
            "Of each patient's newest reading in a bin: median and slowest. A backlog shows as a peak.",
            unit="s",
            width=12,
            points=60,
            overrides=colored(Median="blue", Slowest_patient="purple"),
        ),
        trend(
            "Samples a second",
            query.RATE,
            "Seconds with a usable value, and with only unusable ones, over all series; hourly from a day on.",
            unit="none",
            width=12,
            overrides=colored(Usable="blue", Poor="purple"),
        ),
        table(
            "Refused records",
            query.REFUSED,
            "What the log held and the engine did not take, by reason; of all teams.",
            width=12,
            height=7,
        ),
    ],
)
