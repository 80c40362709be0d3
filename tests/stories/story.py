"""Stories: what a patient's devices send, what people do, and what must be seen and heard when.

A story is a file of TOML.  It is played on the pure core: the engine with all rules, the life of alarms, the episode and its
calls.  A scene lasts some seconds; all its records are one round of the log, so a story takes milliseconds.

    about = "what it shows"
    from = "who asked for it"
    devices = { oximeter = 1, cuff = 0 }          # seconds between two readings; 0: used by hand
    facts = { oxygen = false }                    # beside a date of birth and consciousness A
    rules = '[[trend]] …'                         # a rule file's trends, rolling figures, scores and combinations
    over = '[limit.spo2.low] …'                   # a rule file of the patient's programme

    [[scene]]
    seconds = 40                                  # or minutes, or days, on which one reading comes at the beginning
    do = ["Ann acknowledges"]                     # at its beginning
    send = { oximeter = { spo2 = [88, 88, 92] } } # in turn, at the device's interval; "artefact" and other words: a status
    gateway = "silent"                            # no heartbeat
    calls = ["high spo2"]                         # every call of this scene, in order: priority and what heads the message
    list = ["high spo2 active"]                   # the open alarms at its end: priority, what, state

With a rota a story says who is called:

    high = ["Ann 2", "Cem 3", "team 5"]           # the steps for a high: who, and how many minutes they have
    [[scene]]
    away = ["Ann"]                                # people whom no channel reaches, from now on
    do = ["Ann declines", "Cem has seen it"]      # answers to a message
    called = ["Ann", "Ann", "Cem"]                # who is called in this scene, in order
    holes = ["Ann"]                               # steps that were skipped
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal, cast

import msgspec

from alerts.life.alarm import Alarm, Outcome
from alerts.life.episode import parameter_of
from alerts.life.events import Acknowledge, Act, AddNote, Call, Reassign, RecordOutcome, Shelve, Unshelve
from alerts.rules.layers.files import layer_of
from alerts.rules.sets.rule_file import read_rule_file
from alerts.rules.stages import stages
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import Enrolled, Enrolment, Facts, Level, Limit, OwnRules, PausedRule, Pauses, RuleSet
from devices.wire.event import Contact, Heartbeat
from streams.engine.testing import PatientLog, Record, clock_record
from tests.alerts.life.in_memory import Patient
from tests.stories.called_by_rota import CalledByRota

PEOPLE: Final = {"Ann": 1, "Ben": 2, "Cem": 3, "Dee": 4}
LIMITS: Final = (
    Limit(Vital.HEART_RATE, "high", Level(110, 60), Level(130, 15), 5),
    Limit(Vital.HEART_RATE, "low", None, Level(41, 15), 5),
    Limit(Vital.PULSE_RATE, "high", Level(110, 60), Level(130, 15), 5),
    Limit(Vital.SPO2, "low", Level(94, 60), Level(92, 15), 1),
    Limit(Vital.RESPIRATORY_RATE, "high", Level(20, 120), Level(24, 30), 2),
    Limit(Vital.SYSTOLIC, "low", Level(101), Level(91), 5),
    Limit(Vital.TEMPERATURE, "high", None, Level(39), 0.3),
)
"""Those of the stories: they do not follow what the default set becomes."""
_BEAT_S: Final = 30
_DAY: Final = 86_400
_CLOCK_S: Final = 5
"""Where nothing is measured the clock moves in larger steps: less than a stall."""


class Scene(msgspec.Struct, forbid_unknown_fields=True):
    seconds: int = 0
    minutes: int = 0
    days: int = 0
    do: list[str] = []
    send: dict[str, dict[str, Any]] = {}
    late_s: int = 0
    gateway: Literal["beats", "silent"] = "beats"
    away: list[str] | None = None
    calls: list[str] | None = None
    called: list[str] | None = None
    holes: list[str] | None = None
    shown: list[str] | None = msgspec.field(name="list", default=None)


class Story(msgspec.Struct, forbid_unknown_fields=True):
    about: str
    scene: list[Scene]
    of: str = msgspec.field(name="from", default="")
    devices: dict[str, int] = msgspec.field(default_factory=lambda: {"belt": 1, "oximeter": 1, "cuff": 0})
    facts: dict[str, Any] = {}
    high: list[str] = []
    rules: str = ""
    over: str = ""


def read_story(path: Path) -> Story:
    return msgspec.toml.decode(path.read_bytes(), type=Story)


class Played:
    """A story on its way."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.log = PatientLog(stages())
        self.patient = CalledByRota(story.high) if story.high else Patient()
        self.numbers = {name: 11 + place for place, name in enumerate(story.devices)}
        more = read_rule_file(f'name = "story"\n{story.rules}').rule_set
        layers = [layer_of(read_rule_file(f'name = "story"\n{story.over}'), "programme story")] if story.over else []
        self.log.control(
            RuleSet(
                1, LIMITS, trends=more.trends, rolling=more.rolling, scores=more.scores, combined=more.combined,
                sets=tuple(layers),
            )
        )  # fmt: skip
        if layers:
            self.log.control(OwnRules(("programme story",)))
        self.log.control(Facts(**{"born": "1950-02-03", "consciousness": "A", **story.facts}))
        enrolled = tuple(
            Enrolled(self.numbers[name], self.log.gateway, 0, None, every) for name, every in story.devices.items()
        )
        self.log.control(Enrolment(enrolled, (self.log.gateway,)))

    def play(self, scene: Scene) -> tuple[list[str], list[str]]:
        """The calls of the scene and the list at its end."""
        before = len(self.patient.calls)
        if scene.away is not None:
            self.rota.away = set(scene.away)
        for words in scene.do:
            self._do(words)
        seen = len(self.log.conditions())
        self.log.append(*self._records(scene))
        self.log.now += self._length(scene)
        found = sorted(self.log.conditions()[seen:], key=lambda c: c.second)
        for second, conditions in groupby(found, key=lambda c: c.second):
            self.patient.run_until(second * 1000)
            self.patient.conditions(*conditions)
        self.patient.run_until(self.log.now * 1000)
        calls = [self._of_call(call) for call in self.patient.calls[before:]]
        return calls, sorted(f"{_name(one)} {one.state}" for one in self.patient.alarms)

    @property
    def rota(self) -> CalledByRota:
        assert isinstance(self.patient, CalledByRota), "this story has no rota: say whom a high calls"
        return self.patient

    @staticmethod
    def _length(scene: Scene) -> int:
        return scene.seconds + 60 * scene.minutes + _DAY * scene.days

    def _of_call(self, call: Call) -> str:
        lead = next(
            one
            for one in (*self.patient.alarms, *self.patient.closed)
            if (one.rule, one.source) == (call.lead[2], call.lead[3])
        )
        return f"{call.priority.word} {_what(lead)}"

    def _records(self, scene: Scene) -> list[Record]:
        log, records = self.log, list[Record]()
        if scene.days:  # a planned stop is announced: nothing else happens on these days
            for name, values in scene.send.items():
                records += self._reading(scene, name, values, log.now)
            beat = Heartbeat(log.now * 1000)
            records.insert(0, Record(log.now * 1000, Kind.EVENT, log.patient, 0, log.gateway, log.partition, event=beat))
            records += [clock_record((log.now + 1) * 1000, log.partition, _DAY * scene.days // 60)]
            return [*records, clock_record((log.now + _DAY * scene.days) * 1000, log.partition)]
        for second in range(log.now, log.now + self._length(scene)):
            if scene.gateway == "beats" and second % _BEAT_S == 0:
                beat = Heartbeat(second * 1000)
                records.append(Record(second * 1000, Kind.EVENT, log.patient, 0, log.gateway, log.partition, event=beat))
            for name, values in scene.send.items():
                every = self.story.devices[name]
                if second == log.now if every == 0 else (second - log.now) % every == 0:
                    records += self._reading(scene, name, values, second)
            if (
                (records[-1:] and records[-1].kind == Kind.SAMPLES)
                or second % _CLOCK_S == 0
                or second == log.now + self._length(scene) - 1
            ):
                records.append(clock_record((second + 1) * 1000, log.partition))
        return records

    def _reading(self, scene: Scene, name: str, values: dict[str, Any], second: int) -> list[Record]:
        log, device, samples = self.log, self.numbers[name], []
        for vital, given in values.items():
            if vital == "contact":
                event = Contact((second - scene.late_s) * 1000, bool(given))
                if second == log.now:
                    return [Record(second * 1000, Kind.EVENT, log.patient, device, log.gateway, log.partition, event=event)]
                continue
            several = given if isinstance(given, list) else [given]
            value = several[(second - log.now) // max(1, self.story.devices[name]) % len(several)]
            if value == "none":
                continue
            status = Status[value.upper()] if isinstance(value, str) else Status.OK
            number = float("nan") if isinstance(value, str) else float(value)
            samples.append(((second - scene.late_s) * 1000, number, int(Vital[vital.upper()]), int(status), 0))
        data = Record(
            second * 1000 + 1, Kind.SAMPLES, log.patient, device, log.gateway, log.partition, samples=tuple(samples)
        )
        return [data] if samples else []

    def _do(self, words: str) -> None:
        who, verb, *rest = words.split()
        by, at = PEOPLE[who], self.log.now * 1000
        if verb == "pauses":
            self.log.control(Pauses((PausedRule("*", at + 60_000 * int(rest[0])),)))
            return
        if verb == "facts":
            self.log.control(Facts(**{"born": "1950-02-03", "consciousness": "A", **msgspec.json.decode(" ".join(rest))}))
            return
        if verb in ("declines", "has"):
            self.rota.answer(who, at, cannot=verb == "declines")
            return
        act, only = self._act(by, at, verb, rest)
        states = {"acknowledges": "unacknowledged", "unsnoozes": "shelved"}
        numbers = [
            one.alarm for one in self.patient.alarms
            if (not only or _what(one) in only) and one.life == states.get(verb, one.life)
        ]  # fmt: skip
        assert numbers, f"{words}: there is nothing to act on"
        self.patient.act(act, numbers)

    @staticmethod
    def _act(by: int, at: int, verb: str, rest: list[str]) -> tuple[Act, list[str]]:
        match verb:
            case "acknowledges":
                return Acknowledge(by, at), rest
            case "snoozes":
                return Shelve(by, at, at + 60_000 * int(rest[0]), "care at the bedside"), rest[1:]
            case "unsnoozes":
                return Unshelve(by, at), rest
            case "records":
                return RecordOutcome(by, at, cast("Outcome", rest[0]), " ".join(rest[1:])), []
            case "notes":
                return AddNote(by, at, " ".join(rest)), []
            case "gives":
                return Reassign(by, at, PEOPLE[rest[-1]]), []
        raise AssertionError(verb)


def _what(alarm: Alarm) -> str:
    return parameter_of(alarm) if alarm.category == "physiological" else alarm.rule.rpartition(".")[2]


def _name(alarm: Alarm) -> str:
    return f"{alarm.priority.word} {_what(alarm)}"
