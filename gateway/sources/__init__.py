"""The sources of readings: Bluetooth and MQTT devices."""
