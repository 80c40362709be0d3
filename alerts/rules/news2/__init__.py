"""Early-warning scores: pure functions of values and standing facts."""
