"""The messages of MQTT wearables."""
