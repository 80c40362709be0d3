"""The rows of the table: what is measured and compared."""
