"""What many patients need, computed from measured costs."""
