"""Rules for what is missing: no data, sensor off, gateway offline."""
