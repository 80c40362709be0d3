"""Rules on recorded patients: what they find, and how often they call."""
