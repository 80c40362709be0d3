"""Rolling figures over the windows."""
