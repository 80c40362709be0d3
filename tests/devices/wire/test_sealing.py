from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devices.errors import SealError
from devices.wire.batch import Kind, header
from devices.wire.sealing import KEY_BYTES, NONCE_BYTES, TAG_BYTES, new_key, new_nonce, open_record, seal, unwrap, wrap

KEY = bytes(range(32))
HEAD = header(Kind.EVENT, patient=1, nonce=bytes(range(12)))


def test_a_sealed_record_opens_to_its_payload_and_its_bytes_never_change() -> None:
    record = seal(HEAD, b"payload", KEY)
    assert open_record(record, AESGCM(KEY)) == b"payload"
    assert record[:56] == HEAD
    assert record[56:] == AESGCM(KEY).encrypt(bytes(range(12)), b"payload", HEAD)
    assert len(record) == 56 + 7 + TAG_BYTES


@pytest.mark.parametrize("place", [0, 20, 55, 56, 70])
def test_a_changed_byte_of_header_or_payload_is_found(place: int) -> None:
    record = bytearray(seal(HEAD, b"payload", KEY))
    record[place] ^= 1
    with pytest.raises(SealError):
        open_record(bytes(record), AESGCM(KEY))


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealError):
        open_record(seal(HEAD, b"payload", KEY), AESGCM(bytes(32)))


def test_a_wrapped_key_is_bound_to_its_owner() -> None:
    wrapped = wrap(KEY, bytes(32), b"data_key:1:5")
    assert unwrap(wrapped, bytes(32), b"data_key:1:5") == unwrap(wrapped, AESGCM(bytes(32)), b"data_key:1:5") == KEY
    for master, owner in ((KEY, b"data_key:1:5"), (bytes(32), b"data_key:2:5")):
        with pytest.raises(SealError, match="master key"):
            unwrap(wrapped, master, owner)


def test_keys_and_nonces_are_random_and_of_their_size() -> None:
    assert (len(new_key()), len(new_nonce())) == (KEY_BYTES, NONCE_BYTES)
    assert new_key() != new_key()
    assert new_nonce() != new_nonce()
