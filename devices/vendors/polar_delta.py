"""The delta frames of Polar's measurement data: a first sample in full, then differences of a few bits each.

Source: Polar, PMD specification in the public BLE SDK (polar-ble-sdk, technical documentation, "delta frames").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from devices.errors import UndecodableError
from devices.gatt.fields import Fields

_WIDEST = 32


def delta_samples(fields: Fields, channels: int, resolution: int) -> npt.NDArray[np.int64]:
    """Read all samples of a frame: int64 [n, channels].

    ``resolution`` is the number of bits of the first sample's channels.  :class:`UndecodableError` for a block that is cut
    off, or whose differences are of no or too many bits.
    """
    size = (resolution + 7) // 8
    rows = [[fields.signed("reference sample", size) for _ in range(channels)]]
    while fields.left:
        bits, count = fields.unsigned("delta size", 1), fields.unsigned("sample count", 1)
        if not 0 < bits <= _WIDEST:
            raise UndecodableError(fields.what, f"delta size: {bits} bits")
        packed = fields.unsigned("deltas", (bits * count * channels + 7) // 8)
        for _ in range(count):
            row = []
            for before in rows[-1]:
                raw = packed & (1 << bits) - 1
                packed >>= bits
                row.append(before + (raw - (1 << bits) if raw >> (bits - 1) else raw))
            rows.append(row)
    if max(abs(one) for row in rows for one in row) >> 40:
        raise UndecodableError(fields.what, "deltas: the samples grow beyond all measure")
    return np.array(rows, np.int64)
