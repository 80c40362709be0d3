"""A rule set as the text of a rule file: the reverse of :func:`alerts.rules.sets.rule_file.read_rule_file`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import msgspec

from alerts.rules.sets.parts import ScorePart, TechnicalPart
from devices.vitals import VITALS, Vital
from devices.wire.control import Level, RuleSet


def rule_file_of(
    rules: RuleSet, *, name: str, about: str = "", sources: Mapping[str, str] | None = None, off: Iterable[str] = ()
) -> str:
    """The file of a rule set; ``sources`` by place, such as "limit.spo2.low"; ``off``: rules that it switches off."""
    known = sources or {}
    lines = [f"name = {_text(name)}", f"about = {_text(about)}"]

    if tuple(off):
        lines.append(f"off = {_value(tuple(off))}")

    def table(header: str, place: str, fields: Iterable[tuple[str, object]]) -> None:
        lines.extend(["", header, *(f"{key} = {_value(value)}" for key, value in fields if value is not None)])
        if place in known:
            lines.append(f"source = {_text(known[place])}")

    for limit in {(each.vital, each.side): each for each in rules.limits}.values():  # of several the last one counts
        place = f"limit.{VITALS[Vital(limit.vital)].column}.{limit.side}"
        levels = [(key, level) for key, level in (("medium", limit.medium), ("high", limit.high)) if level]
        table(f"[{place}]", place, [*levels, ("hysteresis", limit.hysteresis), ("chart", limit.chart)])
    score = [(key, getattr(rules, f"news2_{key}")) for key in ScorePart.__struct_fields__ if key != "source"]
    table("[news2]", "news2", score)
    for number, trend in enumerate(rules.trends):
        fields = {**msgspec.structs.asdict(trend), "vital": VITALS[Vital(trend.vital)].column}
        kind = str(trend.__struct_config__.tag)
        table("[[trend]]", f"trend.{number}", [("kind", kind), *fields.items()])
    for number, rolling in enumerate(rules.rolling):
        fields = {**msgspec.structs.asdict(rolling), "vital": VITALS[Vital(rolling.vital)].column}
        table("[[rolling]]", f"rolling.{number}", fields.items())
    for number, rated in enumerate(rules.scores):
        kind = str(rated.__struct_config__.tag)
        table("[[score]]", f"score.{number}", [("kind", kind), *msgspec.structs.asdict(rated).items()])
    for number, one in enumerate(rules.combined):
        words = {"every": "all", "among": "any"}
        fields = {words.get(key, key): value for key, value in msgspec.structs.asdict(one).items()}
        table("[[combined]]", f"combined.{number}", fields.items())
    if rules.prefer:
        table("[prefer]", "prefer", {VITALS[Vital(one.vital)].column: one.hold_s for one in rules.prefer}.items())
    for each in {one.vital: one for one in rules.agree}.values():
        place = f"agree.{VITALS[Vital(each.vital)].column}"
        table(f"[{place}]", place, [("within", each.within), ("for_s", each.for_s)])
    if not rules.agree:
        lines += ["", "[agree]"]
    technical = [(key, getattr(rules, key)) for key in TechnicalPart.__struct_fields__ if key != "source"]
    table("[technical]", "technical", technical)
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    match value:
        case Level(limit=limit, hold_s=hold_s):
            return f"{{ limit = {limit!r}, hold_s = {hold_s} }}" if hold_s else repr(limit)
        case bool():
            return "true" if value else "false"
        case tuple():
            return "[" + ", ".join(_value(one) for one in value) + "]"
        case int() | float():
            return repr(value)
    return _text(str(value))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
