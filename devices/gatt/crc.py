"""The E2E-CRC of the glucose sensor services.

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.1, section 3.11 (CRC-16 with polynomial 0x1021, bits
reflected, seed 0xFFFF, no final inversion: the catalogue's CRC-16/MCRF4XX).
"""

from __future__ import annotations

from typing import Final

_REFLECTED: Final = 0x8408


def crc16(data: bytes) -> int:
    """The 16-bit E2E-CRC of ``data``."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_REFLECTED if crc & 1 else 0)
    return crc
