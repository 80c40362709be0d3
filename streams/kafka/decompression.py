"""Decompression with a bound: what a few KB unpack to, any producer decides.

It takes the place of aiokafka's own functions (0.14.0, pinned), which unpack whatever comes: 78 KB of zstd hold 2.4 GB.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

import cramjam
from aiokafka.codec import snappy_decode
from aiokafka.record._crecords import default_records, legacy_records

MOST_BYTES: Final = 16 << 20
"""A batch unpacks to so much at most.  Ours hold 1 MB."""
_XERIAL: Final = b"\x82SNAPPY\0"
_XERIAL_HEAD: Final = 16
_GZIP: Final = 31  # zlib's window bits for gzip


class TooLargeError(Exception):
    """A batch unpacks to more than :data:`MOST_BYTES`."""


def bound() -> None:
    """Have aiokafka unpack record batches with these functions, in this process."""
    for module in (default_records, legacy_records):
        module.gzip_decode, module.snappy_decode, module.lz4_decode = gzip, snappy, lz4
    default_records.zstd_decode = zstd


def gzip(payload: bytes) -> bytes:
    found, rest = b"", bytes(payload)
    while rest:  # there may be several members
        member = zlib.decompressobj(_GZIP)
        found += member.decompress(rest, MOST_BYTES + 1 - len(found))
        if len(found) > MOST_BYTES:
            raise TooLargeError
        if not member.eof:
            raise EOFError
        rest = member.unused_data
    return found


def snappy(payload: bytes) -> bytes:
    whole, size = bytes(payload), 0
    if whole.startswith(_XERIAL):
        at = _XERIAL_HEAD
        while at < len(whole):
            length = int.from_bytes(whole[at : at + 4], "big")
            size += cramjam.snappy.decompress_raw_len(whole[at + 4 : at + 4 + length])
            at += 4 + length
    else:
        size = cramjam.snappy.decompress_raw_len(whole)
    if size > MOST_BYTES:
        raise TooLargeError
    unpacked: bytes = snappy_decode(whole)
    return unpacked


def lz4(payload: bytes) -> bytes:
    return _into(cramjam.lz4.decompress_into, payload)


def zstd(payload: bytes) -> bytes:
    return _into(cramjam.zstd.decompress_into, payload)


def _into(decompress_into: Callable[[bytes, bytearray], int], payload: bytes) -> bytes:
    room = bytearray(MOST_BYTES)  # memory only as far as it is written
    try:
        return bytes(memoryview(room)[: decompress_into(bytes(payload), room)])
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise TooLargeError from None
        raise
