"""One notation of degraded sensors: what is written is read, as text and as codes."""

import numpy as np
import pytest

from petrostream.detection.degraded import (
    CODES,
    STATES,
    Degradation,
    degraded_in_profile,
    degraded_sensors,
    gives_nonsense,
    read_codes,
    read_degraded,
    write_degraded,
)
from petrostream.detection.profiles import Profile, SensorProfile, SensorState

SENSORS = ("P-PDG", "P-TPT", "T-TPT", "QGL", "ESTADO-W1")


def test_what_is_written_is_read() -> None:
    codes = np.array([2, 0, 1, 3, 4])
    text = write_degraded(SENSORS, codes)
    assert text == "P-PDG=frozen T-TPT=missing QGL=unprofiled ESTADO-W1=implausible"
    assert read_codes(text, SENSORS).tolist() == codes.tolist()
    assert list(read_degraded(text)) == ["P-PDG", "T-TPT", "QGL", "ESTADO-W1"]


def test_the_codes_in_stored_keys_stay() -> None:
    stored = ("", "missing", "frozen", "unprofiled", "implausible")
    assert STATES[: len(stored)] == stored
    assert set(STATES[1:]) == set(Degradation), "every reason has a code"
    assert len(STATES) <= 16, "a summary has four bits for it"


@pytest.mark.parametrize("text", ["", "P-PDG=stuck", "P-PDG", "X-1=frozen"])
def test_a_text_of_another_version_has_no_codes(text: str) -> None:
    assert not read_codes(text, SENSORS).any()


def test_a_valve_that_stays_as_it_is_is_fine() -> None:
    text = "P-PDG=frozen ESTADO-W1=frozen"
    assert degraded_sensors(text) == {"P-PDG": "frozen"}
    assert degraded_sensors("") == {}
    assert degraded_sensors("ESTADO-W1=missing") == {"ESTADO-W1": "missing"}


def test_readings_of_frozen_and_implausible_sensors_pass_no_limit() -> None:
    text = "P-PDG=frozen T-TPT=implausible QGL=missing ESTADO-W1=unprofiled"
    assert gives_nonsense(text, SENSORS).tolist() == [True, False, True, False, False]


def test_a_sensor_that_the_profile_does_not_know_was_missing() -> None:
    sensors = {
        "P-PDG": SensorProfile(SensorState.FROZEN, 0.0, 0.0, 900),
        "P-TPT": SensorProfile(SensorState.LIVE, 1e7, 1e4, 900),
        "T-TPT": SensorProfile(SensorState.IMPLAUSIBLE, 0.0, 0.0, 900),
    }
    profile = Profile("WELL-1", "WELL-1_1", 0, 900_000_000, sensors)
    assert degraded_in_profile(SENSORS[:4], profile) == (
        "P-PDG=frozen T-TPT=implausible QGL=missing"
    )
    assert {state.value for state in SensorState} - {"live"} <= set(CODES)
