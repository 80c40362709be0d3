from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from deploy.schema.migrate import migrate
from streams.kafka.position import Appended
from streams.store import ledger
from streams.store.ledger import Checked, Held, Move
from tests.alerts.conftest import Db

Connect = Callable[..., Db]
TOPIC, TOPIC_ID = "vitals.v1", "abc"


@pytest.fixture
def connect(plain_database: str) -> Iterator[Connect]:
    migrate(plain_database)
    opened: list[Db] = []

    def connect(name: str = ledger.APPLICATION) -> Db:
        opened.append(psycopg.connect(plain_database, autocommit=True, application_name=name))
        return opened[-1]

    yield connect
    for db in opened:
        db.close()


def check_and_move(db: Db, *moves: Move) -> Checked:
    with db.transaction():
        checked = ledger.check(db, TOPIC, moves)
        ledger.move(db, TOPIC, [m for m in moves if m.partition not in checked.lost])
    return checked


def test_a_partition_never_read_begins_where_its_log_begins(connect: Connect) -> None:
    assert ledger.take(connect(), TOPIC, TOPIC_ID, {3: 0, 7: 40}) == {
        3: Held(3, 0, 1, TOPIC_ID),
        7: Held(7, 40, 1, TOPIC_ID),
    }


def test_who_takes_a_partition_goes_on_where_it_was_left_and_fences_the_one_before(connect: Connect) -> None:
    one, two = connect(), connect()
    mine = ledger.take(one, TOPIC, TOPIC_ID, {1: 0, 2: 0})
    assert not check_and_move(one, Move(1, mine[1].epoch, 0, 5, 99, 7)).lost
    taken = ledger.take(two, TOPIC, "another", {1: 0})
    assert taken == {1: Held(1, 5, 2, TOPIC_ID, Appended(99, 7))}  # the id stays that of the topic it was stored from
    both = check_and_move(one, Move(1, mine[1].epoch, 5, 9, 99, 7), Move(2, mine[2].epoch, 0, 3, 99, 7))
    assert both.lost == {1}
    assert not both.done
    assert one.execute("SELECT partition, next_offset FROM ledger ORDER BY 1").fetchall() == [(1, 5), (2, 3)]


def test_an_offset_that_does_not_follow_is_refused(connect: Connect) -> None:
    db = connect()
    epoch = ledger.take(db, TOPIC, TOPIC_ID, {1: 0})[1].epoch
    assert check_and_move(db, Move(1, epoch, 3, 5, 99, 7)).lost == {1}


def test_a_round_already_committed_is_recognised(connect: Connect) -> None:
    db = connect()
    epoch = ledger.take(db, TOPIC, TOPIC_ID, {1: 0})[1].epoch
    move = Move(1, epoch, 0, 5, 99, 7)
    assert not check_and_move(db, move).done
    assert check_and_move(db, move).done


def test_a_former_owner_stuck_in_a_transaction_is_ended(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = connect(), connect()
    ledger.take(stuck, TOPIC, TOPIC_ID, {1: 0})
    stuck.execute("BEGIN")
    stuck.execute("SELECT FROM ledger FOR UPDATE")
    with pytest.raises(psycopg.errors.LockNotAvailable):  # younger than three seconds: wait and try again
        ledger.take(other, TOPIC, TOPIC_ID, {1: 0})
    monkeypatch.setattr(ledger, "STUCK_S", 0)
    assert ledger.take(other, TOPIC, TOPIC_ID, {1: 0})[1].epoch == 2
    with pytest.raises(psycopg.OperationalError):
        stuck.execute("SELECT 1")


def test_only_workers_are_ended(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "STUCK_S", 0)
    desk, worker = connect("somebody else"), connect()
    ledger.take(desk, TOPIC, TOPIC_ID, {1: 0})
    desk.execute("BEGIN")
    desk.execute("SELECT 1")
    ledger.take(worker, TOPIC, TOPIC_ID, {1: 0})
    assert desk.execute("SELECT 1").fetchone() == (1,)


def test_a_new_session_of_the_same_owner_keeps_what_is_still_his(connect: Connect) -> None:
    broken, again, other = connect(), connect(), connect()
    mine = ledger.take(broken, TOPIC, TOPIC_ID, {1: 0, 2: 0})
    ledger.take(other, TOPIC, TOPIC_ID, {2: 0})
    ledger.keep(again, TOPIC, {p: held.epoch for p, held in mine.items()})
    owners = dict(other.execute("SELECT partition, owner FROM ledger").fetchall())
    assert owners == {1: again.info.backend_pid, 2: other.info.backend_pid}


def test_damage_is_noted_only_by_the_owner_of_the_epoch(connect: Callable[..., psycopg.Connection]) -> None:
    db = connect()
    held = ledger.take(db, TOPIC, TOPIC_ID, {0: 0, 1: 0})
    ledger.take(db, TOPIC, TOPIC_ID, {1: 0})  # somebody else has it now, or had it go on
    assert ledger.note_damage(db, TOPIC, held, {0: "cut back", 1: "cut back"}) == {0}
    assert {p: one.damage for p, one in ledger.read(db, TOPIC).items()} == {0: "cut back", 1: None}
