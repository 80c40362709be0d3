"""The store: one database transaction a round."""
