"""Care: patients, devices, consent, limits, people and teams.

Every change writes its rows in a transaction of the caller's.  If the engine must know, the whole state of that kind goes
into ``control_outbox`` as a control record, in the same transaction; the relay sends it from there to the log.
"""
