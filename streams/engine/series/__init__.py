"""Series: the recent values of each vital of each device."""
