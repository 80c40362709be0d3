"""Bluetooth GATT characteristics, decoded by pure functions: bytes in, a frozen measurement or :class:`Decoded` out."""
