"""Bluetooth sensors for the fake BlueZ: they measure a simulated body and behave like real devices."""
