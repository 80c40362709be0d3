"""Who may speak for whom, and which readings count."""
