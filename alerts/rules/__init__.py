"""Rules: what makes a condition, as stages of the engine, and their defaults."""
