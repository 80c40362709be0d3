"""The doctor names what is at fault on the way from the homes to people, and says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from alerts.care.channels import register_channels
from deploy.finding import Finding
from deploy.path_checks import homes, notifier, refusals
from deploy.schema.migrate import migrate
from deploy.settings import ServerSettings

EVENT = (
    "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset)"
    " VALUES (1, now() - make_interval(hours => %s), %s, 1, %s, 1, 'fault', %s, now(), 1)"
)


@pytest.fixture
def settings(tmp_path: Path, plain_database: str) -> ServerSettings:
    migrate(plain_database)
    with psycopg.connect(plain_database) as db:
        db.execute("INSERT INTO gateway (name) VALUES ('Mill Lane 4')")
        db.execute("INSERT INTO device (name, source, address) VALUES ('Arm cuff', 'ble', 'C0:DE')")
    return ServerSettings(database=plain_database, kafka="127.0.0.1:9", master_key_file=tmp_path / "none")


def wrong(findings: Iterable[Finding]) -> list[str]:
    return [str(each).removeprefix("[bold red]wrong[/bold red]  ") for each in findings if not each.ok]


def test_clocks_of_gateways_and_faults_of_devices_are_named(settings: ServerSettings) -> None:
    assert not wrong(homes(settings))
    with psycopg.connect(settings.database) as db:
        db.execute(
            "INSERT INTO alarm (subject_kind, subject, rule, source, category, active, priority, onset, life, detail)"
            " SELECT 'patient', n, 'gateway_clock', 1, 'technical', true, 2, now(), 'unacknowledged', '{\"off_s\": -3600}'"
            " FROM generate_series(1, 2) n"
        )
        for n, (hours, device, value) in enumerate(
            (
                (1, 1, '{"what": "characteristic 2A5E", "reason": "wants a passkey"}'),
                (2, 0, '{"what": "outbox", "reason": "554 readings were lost"}'),
                (40, 0, '{"what": "outbox", "reason": "of long ago"}'),
                (1, 0, '{"what": 7}'),
                (1, 0, "[]"),
            )
        ):
            db.execute(EVENT, (hours, device, n, value))
    assert wrong(homes(settings)) == [
        "The clock of gateway 1 (Mill Lane 4) is 3600 s behind: have its time service mended (NTP).",
        "Gateway 1 (Mill Lane 4) reports a fault of outbox (554 readings were lost): see to it in the home of gateway 1.",
        "Device 1 (Arm cuff) reports a fault of characteristic 2A5E (wants a passkey): see to it in the home of gateway 1.",
    ]
    with psycopg.connect(settings.database) as db:
        db.execute('UPDATE alarm SET detail = \'{"reason": "not set"}\'')
    assert "is not set: have its time service" in wrong(homes(settings))[0]


def test_keys_that_workers_cannot_open_and_senders_refused_without_end_are_named(settings: ServerSettings) -> None:
    assert not wrong(refusals(settings))
    with psycopg.connect(settings.database) as db:
        db.execute("INSERT INTO damaged_key (partition, patient, gateway, key) VALUES (1, 1, 7, 12)")
        db.execute(
            "INSERT INTO refused_tally (partition, patient, gateway, kept, dropped)"
            " VALUES (1, 1, 7, 9, 400), (1, -1, -1, 9, 400), (2, 2, 7, 9, 0)"
        )
    key, sender = wrong(refusals(settings))
    assert key.startswith("The workers cannot open data key 12 of patient 1, gateway 7 since ")
    assert key.endswith("restore this row of data_key from a backup, then run vigil rejected retry.")
    assert sender.startswith(
        "400 refused records of patient 1, gateway 7 were not kept, since there were too many: see vigil"
    )
    assert sender.endswith("run vigil gateway revoke 7.")


@contextmanager
def connected(settings: ServerSettings, *parts: str) -> Iterator[None]:
    connections = [psycopg.connect(settings.database, application_name=f"vigil {part}") for part in parts]
    try:
        yield
    finally:
        for one in connections:
            one.close()


def test_the_part_of_the_notifier_that_is_away_is_named(settings: ServerSettings) -> None:
    (nobody,) = wrong(notifier(settings))
    assert nobody.endswith("The notifier does not run: nobody is paged, and no change reaches the log: start vigil notify.")
    with psycopg.connect(settings.database) as db:
        register_channels(db, ["log", "webhook"])
    with connected(settings, "watch", "notify due", "notify escalation", "notify log", "notify webhook"):
        (relay,) = wrong(notifier(settings))
        assert relay.startswith(
            "The notifier's part relay is away: no change of limits, consent or enrolment reaches the log"
        )
    with connected(settings, "relay", "watch", "notify due", "notify escalation", "notify log"):
        assert "part notify webhook is away: nothing is sent by webhook" in wrong(notifier(settings))[0]
    with connected(settings, "relay", "watch", "notify due", "notify escalation", "notify log", "notify webhook"):
        assert not wrong(notifier(settings))
