"""What the gateway asks of the desk and tells it."""
