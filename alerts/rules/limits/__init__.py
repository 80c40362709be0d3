"""The limits rule."""
