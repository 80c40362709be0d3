"""Invented people and what is measured of them now."""

from __future__ import annotations

from dataclasses import dataclass, field

from devices.wire.control import Facts


@dataclass(frozen=True)
class Invented:
    """A patient: what is measured now (HR, SpO2, RR, systolic, diastolic, temperature) and where it came from."""

    family: str
    given: str
    born: str
    sex: str
    now: tuple[float, float, float, float, float, float]
    before: tuple[float, float, float, float, float, float] = (78, 97, 15, 124, 74, 36.7)
    bends_h: float = 2.0  # for so long it has been on its way from before to now
    silent_min: float = 0.0
    battery: int = 70
    facts: Facts = field(default_factory=Facts)


WARD = (
    Invented("Stubbson", "Leo", "1951-01-09", "male", (58, 97, 14, 118, 64, 36.4), battery=81),
    Invented(
        "Exampleton",
        "Ada",
        "1945-07-14",
        "female",
        (134, 93, 24, 104, 62, 38.3),
        (80, 96, 16, 126, 72, 36.9),
        1.6,
        battery=64,
    ),
    Invented(
        "Testwell", "Bruno", "1958-03-02", "male", (96, 89, 20, 141, 82, 37.1), (88, 96, 17, 138, 80, 37.0), 0.6, battery=47
    ),
    Invented(
        "Placeholder",
        "Edith",
        "1939-11-28",
        "female",
        (82, 95, 23, 152, 88, 36.8),
        (80, 95, 18, 150, 86, 36.8),
        1.0,
        facts=Facts(oxygen=False, consciousness="A"),
    ),
    Invented(
        "Mockford",
        "Daniel",
        "1963-05-17",
        "male",
        (104, 97, 19, 126, 71, 39.2),
        (84, 97, 15, 128, 74, 37.4),
        5.0,
        battery=90,
    ),
    Invented(
        "Fixtureau",
        "Simone",
        "1971-09-30",
        "female",
        (116, 98, 17, 133, 79, 36.9),
        (104, 98, 15, 131, 78, 36.7),
        3.0,
        battery=55,
    ),
    Invented("Dummykin", "Frank", "1948-08-11", "male", (92, 95, 18, 139, 81, 36.6), silent_min=41, battery=33),
    Invented("Specimensen", "Hugo", "1955-02-23", "male", (76, 96, 16, 124, 70, 36.5), silent_min=18, battery=6),
    Invented(
        "Fictiva", "Ines", "1942-12-05", "female", (98, 96, 18, 88, 52, 37.0), (84, 96, 16, 118, 70, 36.9), 2.0, battery=58
    ),
    Invented(
        "Prototypo", "Jonas", "1960-06-19", "male", (88, 93, 20, 147, 85, 36.7), (86, 94, 18, 145, 84, 36.7), 6.0, battery=76
    ),
    Invented(
        "Demowicz", "Nils", "1966-10-03", "male", (114, 97, 17, 131, 77, 36.8), (96, 97, 16, 130, 76, 36.7), 1.2, battery=69
    ),
    Invented(
        "Loremsson",
        "Karin",
        "1953-04-21",
        "female",
        (68, 98, 14, 122, 73, 36.6),
        battery=88,
        facts=Facts(oxygen=False, consciousness="A"),
    ),
    Invented("Notrealli", "Mira", "1949-02-08", "female", (74, 97, 15, 129, 75, 36.7), battery=41),
    Invented("Syntherov", "Olga", "1957-01-27", "female", (71, 96, 16, 134, 79, 36.5), battery=66),
)
ELSEWHERE = Invented("Otherby", "Otto", "1950-05-05", "male", (75, 97, 15, 125, 75, 36.6))
