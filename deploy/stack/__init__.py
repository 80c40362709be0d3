"""Real servers started in place for the demo and the tests: no container, no system service, loopback only."""
