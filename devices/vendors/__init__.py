"""Vendors' own Bluetooth protocols, one small module each: the same shape as a standard profile, with its test vectors."""
