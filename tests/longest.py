"""Which files of tests take longest: those are begun first, so that at the end nobody waits for one of them.

Seconds on two cores, as ``out/tests.xml`` tells them; a file that is not named takes less than the last.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent
LONGEST = (
    "deploy/demo/test_demo.py",
    "streams/test_faults.py",
    "alerts/desk/test_worklist_page.py",
    "gateway/test_uplink.py",
    "alerts/desk/test_accessibility.py",
    "streams/test_worker.py",
    "alerts/desk/test_screens.py",
    "streams/test_rebalance.py",
    "streams/test_engine.py",
    "streams/test_pressure.py",
    "streams/test_watchdog.py",
    "deploy/demo/test_limit_takes_effect.py",
    "deploy/demo/test_replay.py",
    "alerts/desk/test_patient_page.py",
    "streams/test_fetched.py",
    "streams/store/test_store.py",
    "streams/test_exactness.py",
    "deploy/test_cli.py",
    "deploy/test_going_on.py",
    "alerts/test_relay.py",
    "deploy/stack/test_stack.py",
    "simulation/test_tables.py",
    "simulation/test_planted.py",
    "streams/test_assignment.py",
    "deploy/stack/test_kafka.py",
    "streams/test_keyed_axis.py",
    "gateway/test_run.py",
    "simulators/test_mqtt_wearable.py",
    "gateway/test_downlink.py",
    "gateway/sources/test_mqtt.py",
    "gateway/sources/test_ble.py",
)


LAST = ("simulation/test_simulation.py", "streams/test_backlog.py")
"""What is alone: the others have little left to do, and wait for it least, at the end."""


def place(file: Path) -> int:
    """Where a file comes in the order; files that are not named share a place."""
    name = file.relative_to(ROOT).as_posix()
    if name in LAST:
        return len(LONGEST) + 1
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)
