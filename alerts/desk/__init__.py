"""The desk: the web pages of nurses and clinicians, and the API of gateways."""
