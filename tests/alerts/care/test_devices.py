"""Devices: one address is one device."""

from __future__ import annotations

import pytest

from alerts.care.devices import add_device
from alerts.errors import InvalidEnrolmentError
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db


def test_an_address_is_one_device(db: Db, ward: Ward) -> None:
    with pytest.raises(InvalidEnrolmentError, match="a device already"), db.transaction():
        add_device(db, "copy", "ble", "C0:DE:00:00:00:02", 1)
