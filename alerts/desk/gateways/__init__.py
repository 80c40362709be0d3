"""The desk's API for gateways: configuration, keys, claims."""
