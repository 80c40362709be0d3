"""The state of paging, as far as anybody has a receipt: the notifier lives, a channel reaches people and delivers.

The desk promises nothing beyond this, on any page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from alerts.database import epoch_ms
from alerts.desk.worklist.snapshot import Paged, Paging
from alerts.desk.worklist.words import day, hm

REACH_NOBODY: Final = ("log",)
"""Channels whose receipt says only that a line was written: no person has heard of it."""
_OVERDUE_S: Final = 60
_SENT: Final = "sent > 'epoch' AND sent < now() + interval '1 hour'"
"""A time outside of this is damage: it is no receipt."""
# each part of the notifier has a connection of its own, by its name (alerts.notify.run)
_STATE: Final = f"""
SELECT
  ARRAY(SELECT DISTINCT substr(application_name, 14) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'vigil notify %%'),
  (SELECT count(*) FROM notification WHERE sent IS NULL AND stopped IS NULL AND channel <> ALL(%(nobody)s)
     AND due < now() - make_interval(secs => %(overdue)s)),
  (SELECT {epoch_ms("n.sent")} FROM (SELECT unnest(channels) AS channel FROM care_team UNION SELECT name FROM channel) c
     CROSS JOIN LATERAL (SELECT sent FROM notification WHERE channel = c.channel AND {_SENT}
                         ORDER BY sent DESC LIMIT 1) n
   WHERE c.channel <> ALL(%(nobody)s) ORDER BY n.sent DESC LIMIT 1)"""
# a team that has chosen no channel is told by every one that the notifier has; a rota calls people by their own
_TEAMS: Final = """
SELECT team, CASE WHEN channels = '{}' THEN ARRAY(SELECT name FROM channel WHERE NOT personal)
        ELSE array_remove(channels, NULL) END
    || CASE WHEN rota IS NULL THEN '{}' ELSE ARRAY(
        SELECT DISTINCT c.channel FROM membership m JOIN person_channel c USING (person) JOIN channel h ON h.name = c.channel
        WHERE m.team = t.team AND (m.until IS NULL OR m.until > clock_timestamp())) END
FROM care_team t"""
_PAGED: Final = f"""
SELECT DISTINCT ON (n.episode) n.episode,
  CASE WHEN p.person IS NOT NULL THEN p.name WHEN t.team IS NULL THEN n.recipient ELSE 'the team' END, {epoch_ms("n.sent")}
FROM episode e JOIN notification n USING (episode) LEFT JOIN care_team t ON n.recipient = 'team:' || t.team
  LEFT JOIN person p ON n.recipient = 'person:' || p.person
WHERE e.closed IS NULL AND {_SENT} AND n.receipt IS NOT NULL AND n.channel <> ALL(%(nobody)s)
ORDER BY n.episode, n.sent DESC"""


async def read_paging(connection: AsyncConnection[Any]) -> tuple[Paging, dict[int, Paged]]:
    """The state of paging, and the receipts of open episodes."""
    values = {"nobody": list(REACH_NOBODY), "overdue": _OVERDUE_S}
    found = await (await connection.execute(_STATE, values)).fetchone()
    assert found is not None
    teams = await (await connection.execute(_TEAMS)).fetchall()
    channels = {team: frozenset(filter(None, names)) - frozenset(REACH_NOBODY) for team, names in teams}
    paged = await (await connection.execute(_PAGED, values)).fetchall()
    receipts = {episode: Paged(who, at) for episode, who, at in paged if at is not None}
    return Paging(frozenset(found[0]), found[1], found[2], channels), receipts


def paging_in_words(paging: Paging, teams: Iterable[int] | None, zone: ZoneInfo, now: int) -> tuple[bool, str]:
    """True only if people are paged for all these teams (``None``: all there are), and one or two sentences about it."""
    wanted = [paging.channels.get(team, frozenset()) for team in (paging.channels if teams is None else teams)]
    if not paging.running:
        return False, "Nobody is paged: the notifier does not run. Tell the operator."
    if not wanted or not all(wanted):
        return False, "Nobody is paged: no channel that reaches people is set. Watch this screen."
    if missing := sorted(frozenset().union(*wanted) - paging.running):
        return False, f"Nobody is paged by {', '.join(missing)}: the notifier has no such channel. Tell the operator."
    if paging.waiting:
        many = "1 message waits" if paging.waiting == 1 else f"{paging.waiting} messages wait"
        return False, f"Paging fails: {many} to be delivered. Call your colleagues yourself."
    if paging.delivered is None:
        return False, "No page was ever delivered: whether paging works is not known."
    today = day(paging.delivered, zone) == day(now, zone)
    when = hm(paging.delivered, zone) if today else f"{day(paging.delivered, zone)}, {hm(paging.delivered, zone)}"
    return True, f"Alarms are paged; the last page was delivered at {when}."
