"""Taking partitions: from the group's word to the first record, as generators that do no I/O themselves.

A generator yields a :class:`Request`, is sent the answer (or thrown the error), and goes on; whoever drives it decides how a
request is carried out.  :func:`drive` does so with an event loop, in the worker and in the simulation alike; a test answers
by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from streams.engine.condition import Condition
from streams.errors import TopicMissingError
from streams.kafka.position import Extent
from streams.store.conditions import FIRST_MS, FoldConditions, Subject, subject_of
from streams.store.ledger import Held
from streams.worker.conditions import of_partition
from streams.worker.damage import compare
from streams.worker.places import Places
from streams.worker.ports import Brokers, Feed, Surroundings, T, Threads
from streams.worker.rounds import Rounds, Taken

_TRY_AGAIN_S: Final = 0.5

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Go on after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AskBrokers:
    """The answer of ``question``."""

    question: Callable[[Brokers], Any]


@dataclass(frozen=True, slots=True)
class InDatabase:
    """The result of ``work`` on the session that commits."""

    work: Callable[[psycopg.Connection], Any]


@dataclass(frozen=True, slots=True)
class InEngine:
    """The result of ``work`` in the thread that owns the engine."""

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Seek:
    """Have the consumer deliver from ``offsets`` on."""

    offsets: dict[int, int]


Request = Sleep | AskBrokers | InDatabase | InEngine | Seek
Steps = Generator[Request, Any, T]


async def drive(steps: Steps[T], threads: Threads, feed: Callable[[], Feed]) -> T:
    """Carry out what ``steps`` request, one after the other, and return their result."""
    try:
        request = next(steps)
        while True:
            try:
                answer = await _carried_out(request, threads, feed)
            except Exception as error:
                request = steps.throw(error)
            else:
                request = steps.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        steps.close()


async def _carried_out(request: Request, threads: Threads, feed: Callable[[], Feed]) -> Any:
    match request:
        case Sleep(seconds):
            return await asyncio.sleep(seconds)
        case AskBrokers(question):
            return await threads.ask_brokers(question)
        case InDatabase(work):
            return await threads.in_database(work)
        case InEngine(work):
            return await threads.in_engine(work)
        case Seek(offsets):
            try:
                return await feed().position(offsets)
            except RuntimeError as error:  # the consumer's thread has ended: the worker is being stopped
                raise TimeoutError("the consumer has ended") from error


class Taking:
    """Takes partitions into ``places`` and their state into ``rounds``; ``forget`` gives one up again."""

    def __init__(
        self,
        topic: str,
        places: Places,
        rounds: Rounds,
        fold: FoldConditions,
        surroundings: Surroundings,
        forget: Callable[[Iterable[int]], None],
    ) -> None:
        self._topic, self._places, self._rounds, self._fold, self._forget = topic, places, rounds, fold, forget
        self._left: set[int] = set()  # to be taken again
        self._reporting: set[Subject] = set()
        self._clock, self._chance, self._statements = surroundings.clock, surroundings.chance, surroundings.statements

    def take(self, partitions: Collection[int], after: float = 0.0) -> Steps[None]:
        """Take ``partitions`` from the ledger after so many seconds, restore their state, and read on; try again while the
        group gives them to this worker.
        """
        yield Sleep(after)
        wanted, places = set(partitions), self._places
        while todo := places.missing(wanted):
            places.taking |= todo
            try:
                wanted -= yield from self._take_now(todo)
            finally:
                places.taking -= todo
            wanted |= self._left
            self._left = set()
            if wanted & places.assigned:
                yield Sleep(_TRY_AGAIN_S)

    def look(self) -> Steps[None]:
        """Look whether the topic is still the same: one made again has another id, and nothing comes from where this worker
        stands in it.
        """
        try:
            topic_id = yield AskBrokers(lambda brokers: brokers.topic_id())
        except (KafkaException, TimeoutError, TopicMissingError) as error:
            _log.warning("nothing comes, and the topic cannot be looked at", error=type(error).__name__)
            return
        if topic_id != self._places.topic_id:
            owned = set(self._places.owned)
            _log.error("the topic was made again", topic=self._topic)
            self._forget(owned)
            yield from self.take(owned)

    def compare_last(self, partition: int) -> Steps[None]:
        """Compare the log with the last record received, under a new leader: one that lost it gives its offset, and those of
        others, to new records, which would be passed over.
        """
        places, place = self._places, self._places.owned[partition]
        while places.owned.get(partition) is place and place.comparing and place.last is not None:
            offset, last = place.last
            try:
                found = yield AskBrokers(lambda brokers, offset=offset: brokers.at({partition: offset}))  # type: ignore[misc]
            except (KafkaException, TimeoutError) as error:
                _log.warning("the brokers do not answer", error=type(error).__name__)
                yield Sleep(_TRY_AGAIN_S)
                continue
            if places.owned.get(partition) is not place:
                return
            place.comparing = False
            if found[partition] == last:
                yield from self.seek([partition])
                return
            _log.error("the log was cut back below what was read", partition=partition)
            self._forget([partition])
            yield from self.take({partition})

    def seek(self, partitions: Collection[int]) -> Steps[None]:
        """Have the consumer go on where these partitions stand."""
        while offsets := self._places.positions([p for p in partitions if p in self._places.assigned]):
            try:
                yield Seek(offsets)
            except (KafkaError, TimeoutError) as error:
                _log.warning("could not seek, trying again", partitions=list(offsets), error=type(error).__name__)
                yield Sleep(_TRY_AGAIN_S)
            else:
                return

    def report(
        self,
        conditions: Sequence[Condition],
        beside: Callable[[psycopg.Connection], Collection[int] | None] = lambda _: None,
    ) -> Steps[None]:
        """Fold ``conditions`` into alarms, in one transaction with ``beside``, and again while somebody holds one of them.
        ``beside`` may return the partitions that are ours yet: the conditions of others are no longer true.
        """

        def fold(db: psycopg.Connection) -> bool:
            try:
                with db.transaction():
                    ours = beside(db)
                    db.execute(f"SET LOCAL lock_timeout = {FIRST_MS}".encode())
                    self._fold(db, [one for one in conditions if ours is None or one.partition in ours])
            except psycopg.errors.LockNotAvailable:
                return False
            return True

        keys = {subject_of(one) for one in conditions}
        while keys & self._reporting:  # else an end could come before its onset
            yield Sleep(_TRY_AGAIN_S)
        self._reporting |= keys
        try:
            while not (yield InDatabase(fold)):  # meanwhile the session stores rounds
                yield Sleep(_TRY_AGAIN_S)
        finally:
            self._reporting -= keys

    def _take_now(self, todo: set[int]) -> Steps[set[int]]:
        """Returns the partitions taken or found damaged.  The others are to be tried again: the brokers did not answer, or
        the group was deciding anew.
        """
        places = self._places
        try:
            topic_id = yield AskBrokers(lambda brokers: brokers.topic_id())
            if topic_id != places.topic_id:  # what else is owned stands in another topic, too
                places.topic_id, self._left = topic_id, self._left | set(places.owned)
                self._forget(self._left)
            extents = yield AskBrokers(lambda brokers: brokers.extents(todo))
            held = yield InDatabase(lambda db: self._take_decided(db, extents))
            if not held:
                return set()
            extents = yield AskBrokers(
                lambda brokers: brokers.extents(todo)
            )  # until then somebody else may have stored more
            damage = yield AskBrokers(lambda brokers: compare(brokers, topic_id, held, extents))
        except (KafkaException, TimeoutError, TopicMissingError) as error:
            _log.warning("the brokers do not answer", error=type(error).__name__)
            return set()
        yield from self._report_damage(held, extents, damage)
        yield InEngine(lambda: self._rounds.expect(len(places.assigned)))
        whole = sorted(p for p, reason in damage.items() if not reason)
        for partition in whole:
            yield from self._restore(held[partition], extents[partition])
        yield from self.seek(whole)  # all at once: the engine goes through each second of their logs once, not 64 times
        _log.info("partitions taken", partitions=sorted(held))
        return {p for p in held if p in places.owned or p in places.damaged}

    def _take_decided(self, db: psycopg.Connection, extents: Mapping[int, Extent]) -> dict[int, Held]:
        """Take those that are still ours when the database answers."""
        starts = {p: extents[p].begin for p in self._places.decided(extents)}
        return self._statements.take(db, self._topic, self._places.topic_id, starts) if starts else {}

    def _restore(self, held: Held, extent: Extent) -> Steps[None]:
        partition = held.partition
        anew = self._places.suspects.anew(partition)
        taken: Taken = yield InEngine(lambda: self._rounds.take(held, extent, anew=anew))
        self._places.own(held, taken.offset, self._chance())
        if partition not in self._places.assigned:  # the group changed its mind meanwhile
            self._forget([partition])
        elif taken.state_lost:  # it happened, and is over: somebody has to see it, then it goes
            detail = {"from": taken.offset, "ledger": held.offset}
            now = int(self._clock.time())
            both = [of_partition(partition, "state_lost", phase, now, **detail) for phase in ("onset", "end")]
            yield from self.report(both, lambda db: self._statements.catch_up(db, self._topic, held))

    def _report_damage(
        self, held: Mapping[int, Held], extents: Mapping[int, Extent], damage: Mapping[int, str | None]
    ) -> Steps[None]:
        """Report once that a log is damaged, whose partition is not read then, and once that it was mended."""
        self._places.found(damage)
        changed = {p: reason for p, reason in damage.items() if reason != held[p].damage}
        conditions, now = [], int(self._clock.time())
        for p, reason in changed.items():
            if reason:
                _log.error("this partition is not read any more: vigil doctor says how to go on", partition=p, why=reason)
            log = [extents[p].begin, extents[p].end]
            detail = {"why": reason, "ledger": held[p].offset, "log": log}
            conditions.append(of_partition(p, "log_damaged", "onset" if reason else "end", now, **detail))
        if changed:
            note = self._statements.note_damage
            yield from self.report(conditions, lambda db: note(db, self._topic, held, changed))
