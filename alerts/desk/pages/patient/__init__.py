"""The page of one patient: vitals, trends, timeline."""
