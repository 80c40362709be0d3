"""Claim codes and credentials."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from alerts.care.gateway_config import gateway_config
from alerts.care.gateways import CODE_LETTERS, ask_to_resend, claim, hash_of, new_claim, revoke_gateway
from alerts.database import scalar
from alerts.errors import ClaimError, UnknownRecordError
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db


def gateway_with(db: Db, credential: str) -> int | None:
    row = db.execute(
        "SELECT gateway FROM gateway WHERE credential_hash = %s AND revoked IS NULL", [hash_of(credential)]
    ).fetchone()
    return row[0] if row else None


def test_a_code_is_short_readable_and_only_its_hash_is_kept(db: Db, ward: Ward) -> None:
    code = new_claim(db, ward.gateway)
    assert re.fullmatch(f"[{CODE_LETTERS}]{{4}}-[{CODE_LETTERS}]{{4}}", code)
    assert not set("01OILU") & set(CODE_LETTERS)
    kept = scalar(db, "SELECT code_hash FROM claim")
    assert len(kept) == 32


@pytest.mark.parametrize("typed", [str, str.lower, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_a_code_gives_a_credential_once(db: Db, ward: Ward, typed: Callable[[str], str]) -> None:
    code = new_claim(db, ward.gateway)
    claimed = claim(db, typed(code))
    assert claimed.gateway == ward.gateway == gateway_with(db, claimed.credential)
    assert len(claimed.credential) >= 43
    with pytest.raises(ClaimError):
        claim(db, code)


def test_of_two_who_claim_at_once_one_gets_it(db: Db, ward: Ward, schema: str) -> None:
    code = new_claim(db, ward.gateway)
    failed: list[ClaimError] = []

    def late() -> None:
        with psycopg.connect(schema) as other:
            try:
                claim(other, code)
            except ClaimError as error:
                failed.append(error)

    with psycopg.connect(schema) as early:
        claim(early, code)
        second = threading.Thread(target=late)
        second.start()
        time.sleep(0.2)
        assert second.is_alive()
        early.commit()
    second.join(10)
    assert len(failed) == 1


def test_a_code_ends_with_its_time_with_a_newer_one_and_with_its_gateway(db: Db, ward: Ward) -> None:
    with pytest.raises(ClaimError):
        claim(db, new_claim(db, ward.gateway, minutes=0))
    first, second = new_claim(db, ward.gateway), new_claim(db, ward.gateway)
    with pytest.raises(ClaimError):
        claim(db, first)
    with db.transaction():
        revoke_gateway(db, ward.gateway, by=1)
    with pytest.raises(ClaimError):
        claim(db, second)
    with pytest.raises(UnknownRecordError):
        new_claim(db, ward.gateway)


@pytest.mark.parametrize("typed", ["", "----", "ABCD-EFGH", "x" * 10_000, "ABCD-EFG\x00"])
def test_what_is_no_code_claims_nothing(db: Db, ward: Ward, typed: str) -> None:
    with pytest.raises(ClaimError):
        claim(db, typed)


def test_a_new_claim_ends_the_old_credential_and_a_revoked_gateway_has_none(db: Db, ward: Ward) -> None:
    old = claim(db, new_claim(db, ward.gateway)).credential
    new = claim(db, new_claim(db, ward.gateway)).credential
    assert (gateway_with(db, old), gateway_with(db, new)) == (None, ward.gateway)
    with db.transaction():
        revoke_gateway(db, ward.gateway, by=1)
    assert gateway_with(db, new) is None


def test_all_gateways_in_use_are_asked_to_send_again_and_each_request_is_another(db: Db, ward: Ward) -> None:
    def current() -> Any:
        return gateway_config(db, bytes(32), ward.gateway, "", "")

    with db.transaction():
        assert current().resend is None
        before = current().version
    with db.transaction():
        assert ask_to_resend(db, 1234) == 1
    first = current()
    assert first.resend.since == 1234
    assert first.version > before
    with db.transaction():
        ask_to_resend(db, 0)
    assert current().resend.request > first.resend.request
