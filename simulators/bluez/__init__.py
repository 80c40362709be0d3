"""The parts of the fake ``org.bluez``: its objects, its calls and messages on the bus, and the life of its links."""
