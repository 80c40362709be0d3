"""The records that gateways and desk write to the log."""
