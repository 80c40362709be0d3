"""Rules about scores beside the levels of NEWS2."""
