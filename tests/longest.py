"""The files of tests that take longest: they begin first, so that nothing waits for one of them at the end.

Seconds on two cores, from ``out/tests.xml``; a file that is not named takes less than the last.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent
LONGEST = (
    "deploy/demo/test_demo.py",
    "deploy/demo/test_without_bluetooth.py",
    "streams/worker/test_faults.py",
    "alerts/desk/pages/test_worklist.py",
    "gateway/uplink/test_uplink.py",
    "alerts/desk/test_accessibility.py",
    "streams/worker/test_worker.py",
    "alerts/desk/test_screens.py",
    "streams/worker/test_rebalance.py",
    "streams/engine/test_engine.py",
    "streams/worker/test_pressure.py",
    "streams/worker/test_watchdog.py",
    "deploy/demo/test_limit_takes_effect.py",
    "deploy/demo/test_replay.py",
    "alerts/desk/pages/patient/test_patient.py",
    "alerts/desk/pages/admin/test_story.py",
    "streams/kafka/test_fetched.py",
    "streams/store/test_store.py",
    "streams/engine/test_exactness.py",
    "deploy/test_cli.py",
    "deploy/test_continue_after_loss.py",
    "alerts/control/test_relay.py",
    "deploy/stack/test_stack.py",
    "simulation/test_tables.py",
    "simulation/test_planted.py",
    "streams/worker/test_taking.py",
    "deploy/stack/test_kafka.py",
    "streams/engine/columns/test_keyed_axis.py",
    "gateway/test_run.py",
    "simulators/test_mqtt_wearable.py",
    "gateway/desk/test_downlink.py",
    "gateway/sources/test_mqtt.py",
    "gateway/sources/test_ble.py",
)


LAST = ("simulation/test_simulation.py", "streams/worker/test_backlog.py")
"""The tests that run alone: at the end the others have little left to do, and wait for them least."""


def place(file: Path) -> int:
    """The place of a file in the order; files that are not named share a place."""
    name = file.relative_to(ROOT).as_posix()
    if name in LAST:
        return len(LONGEST) + 1
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)
