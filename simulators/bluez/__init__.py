"""The parts of the fake ``org.bluez``: its objects, what it says on the bus, and how links come and go."""
