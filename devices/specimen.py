"""The specimen of a glucose value, and the codes that follow from it.

Whole blood reads about a tenth lower than plasma, and interstitial fluid follows both by minutes, so a value that leaves
Vigil carries the codes of what the device says it measured.

Sources: Bluetooth SIG, Glucose Service 1.0.1 (Type and Sample Location); ISO/IEEE 11073-10101 and 11073-10417 (MDC); LOINC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Specimen(IntEnum):
    """The specimen that was measured: the codes of the Glucose Service's Type.  UNKNOWN: the device did not say."""

    UNKNOWN = 0
    CAPILLARY_WHOLE_BLOOD = 1
    CAPILLARY_PLASMA = 2
    VENOUS_WHOLE_BLOOD = 3
    VENOUS_PLASMA = 4
    ARTERIAL_WHOLE_BLOOD = 5
    ARTERIAL_PLASMA = 6
    WHOLE_BLOOD = 7
    PLASMA = 8
    INTERSTITIAL_FLUID = 9
    CONTROL_SOLUTION = 10

    @property
    def words(self) -> str:
        """As in events and on the desk: "capillary plasma"."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class GlucoseCodes:
    """The codes of a glucose mass concentration (mg/dL) in one specimen; ``loinc`` is empty where no patient is measured."""

    loinc: str
    mdc: int


GLUCOSE_CODES: Final[dict[Specimen, GlucoseCodes]] = {
    Specimen.UNKNOWN: GlucoseCodes("2339-0", 160364),
    Specimen.CAPILLARY_WHOLE_BLOOD: GlucoseCodes("32016-8", 160184),
    Specimen.CAPILLARY_PLASMA: GlucoseCodes("2345-7", 160188),
    Specimen.VENOUS_WHOLE_BLOOD: GlucoseCodes("41652-9", 160192),
    Specimen.VENOUS_PLASMA: GlucoseCodes("2345-7", 160196),
    Specimen.ARTERIAL_WHOLE_BLOOD: GlucoseCodes("41651-1", 160200),
    Specimen.ARTERIAL_PLASMA: GlucoseCodes("2345-7", 160204),
    Specimen.WHOLE_BLOOD: GlucoseCodes("2339-0", 160364),
    Specimen.PLASMA: GlucoseCodes("2345-7", 160368),
    Specimen.INTERSTITIAL_FLUID: GlucoseCodes("99504-3", 160212),
    Specimen.CONTROL_SOLUTION: GlucoseCodes("", 160208),
}
"""A device that does not say its specimen is taken as whole blood, as the code of the vital itself (devices/vitals.py)."""


def specimen_of(code: int) -> Specimen:
    """The specimen of the nibble ``code`` as a device sends it; UNKNOWN for a reserved one."""
    return Specimen(code) if code in _KNOWN else Specimen.UNKNOWN


_KNOWN: Final = frozenset(Specimen)
