"""Admission: the accepted senders, and the accepted readings."""
