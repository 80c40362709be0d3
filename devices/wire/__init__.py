"""What gateways and desk put on the log."""
