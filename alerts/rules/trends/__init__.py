"""The trends rule."""
