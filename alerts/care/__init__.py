"""Who is watched, by whom and how: patients, devices, consent, limits, people and teams.

Every change writes its rows and, where the engine must know, the whole state of its kind as a control record into
``control_outbox``, in one transaction of the caller's; the relay takes it from there into the log.
"""
