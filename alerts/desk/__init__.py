"""The desk: what nurses and clinicians see in a browser, and the API that gateways talk to."""
