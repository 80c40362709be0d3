"""The page that shows and changes a patient's limits."""
