"""What MQTT wearables send."""
