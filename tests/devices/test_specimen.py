"""The codes of a value agree with each other."""

from __future__ import annotations

import pytest

from devices.specimen import GLUCOSE_CODES, Specimen, specimen_of
from devices.vitals import VITALS, Vital


def test_every_specimen_has_codes_of_that_specimen() -> None:
    assert set(GLUCOSE_CODES) == set(Specimen)
    assert len({codes.mdc for codes in GLUCOSE_CODES.values()}) == len(Specimen) - 1, "unknown is coded as whole blood"


def test_glucose_that_names_no_specimen_is_whole_blood_in_both_code_systems() -> None:
    spec = VITALS[Vital.GLUCOSE]
    assert (spec.loinc, spec.mdc) == (GLUCOSE_CODES[Specimen.UNKNOWN].loinc, GLUCOSE_CODES[Specimen.UNKNOWN].mdc)
    assert GLUCOSE_CODES[Specimen.UNKNOWN] == GLUCOSE_CODES[Specimen.WHOLE_BLOOD] != GLUCOSE_CODES[Specimen.PLASMA]


@pytest.mark.parametrize("specimen", [one for one in Specimen if "PLASMA" in one.name])
def test_plasma_is_never_coded_as_whole_blood(specimen: Specimen) -> None:
    assert GLUCOSE_CODES[specimen].loinc == "2345-7"


def test_a_control_solution_has_no_code_of_a_patient() -> None:
    assert not GLUCOSE_CODES[Specimen.CONTROL_SOLUTION].loinc


@pytest.mark.parametrize("code", [11, 15, 255])
def test_a_reserved_specimen_is_unknown(code: int) -> None:
    assert specimen_of(code) is Specimen.UNKNOWN


def test_saturation_carries_the_code_of_the_vital_signs_profile_beside_its_own() -> None:
    assert (VITALS[Vital.SPO2].loinc, VITALS[Vital.SPO2].also_loinc) == ("59408-5", ("2708-6",))
