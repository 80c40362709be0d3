"""Consent, in the order of the answers."""

from __future__ import annotations

from alerts.care.consent import give_consent, has_consented
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db


def test_the_last_answer_counts_also_after_the_servers_clock_was_set_back(db: Db, ward: Ward) -> None:
    with db.transaction():
        give_consent(db, ward.ada, True, by=1)
    db.execute("UPDATE consent SET at = now() + interval '1 hour'")
    with db.transaction():
        give_consent(db, ward.ada, False, by=1)
    assert not has_consented(db, ward.ada)
