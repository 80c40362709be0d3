"""Bluetooth sensors for the fake BlueZ: they take their values from a simulated body and behave as such devices do."""
