"""Degraded sensors: why one is not sound, and the one notation of it, ``P-PDG=frozen QGL=missing``.

The detector writes it for every row, in the column `degraded_sensors`; summaries keep the last
row's in their keys, as a code a sensor.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from petrostream.detection.profiles import Profile, SensorState
from petrostream.schema.sensors import BY_NAME, Kind


class Degradation(StrEnum):
    """Why a sensor is not sound."""

    MISSING = "missing"
    FROZEN = "frozen"
    UNPROFILED = "unprofiled"
    IMPLAUSIBLE = "implausible"


STATES: Final = (
    "",
    Degradation.MISSING,
    Degradation.FROZEN,
    Degradation.UNPROFILED,
    Degradation.IMPLAUSIBLE,
)
"""A sensor's states, the sound one first. Their places are codes in stored keys: the order stays,
and what is new stands at the end, in a new format of summaries, as an older dashboard has no word
for it.
"""

CODES: Final = {state: code for code, state in enumerate(STATES)}


def write_degraded(sensors: Sequence[str], codes: np.ndarray) -> str:
    """Name the sensors that are not sound, by their codes, shape (sensors,).

    >>> write_degraded(("P-PDG", "P-TPT", "QGL"), np.array([2, 0, 1]))
    'P-PDG=frozen QGL=missing'
    """
    return " ".join(
        f"{name}={STATES[int(code)]}" for name, code in zip(sensors, codes, strict=True) if code
    )


def read_degraded(text: str) -> dict[str, str]:
    """The sensors that are not sound, and why.

    >>> read_degraded("P-PDG=frozen QGL=missing")
    {'P-PDG': 'frozen', 'QGL': 'missing'}
    """
    return dict(word.split("=", maxsplit=1) for word in text.split() if "=" in word)


def read_codes(text: str, sensors: Sequence[str]) -> np.ndarray:
    """The same as codes, shape (sensors,); a reason that is not known is left out."""
    degraded = read_degraded(text)
    return np.array([CODES.get(degraded.get(name, ""), 0) for name in sensors])


def degraded_sensors(text: str) -> dict[str, str]:
    """The sensors that are not sound, without the valves that keep their state.

    >>> degraded_sensors("P-PDG=frozen ESTADO-W1=frozen QGL=missing")
    {'P-PDG': 'frozen', 'QGL': 'missing'}
    """
    return without_resting_valves(read_degraded(text))


def without_resting_valves(degraded: Mapping[str, str]) -> dict[str, str]:
    """Leave out the valves that keep their state; they do so for months, and are fine."""
    return {name: why for name, why in degraded.items() if not is_resting_valve(name, why)}


def is_resting_valve(name: str, why: str) -> bool:
    """Whether a sensor counts as frozen for no other reason than that its valve stays as it is."""
    return why == Degradation.FROZEN and name in BY_NAME and BY_NAME[name].kind is Kind.VALVE


def gives_nonsense(text: str, sensors: Sequence[str]) -> np.ndarray:
    """Which sensors are frozen or implausible, so that their readings say nothing, (sensors,)."""
    return np.isin(
        read_codes(text, sensors), [CODES[Degradation.FROZEN], CODES[Degradation.IMPLAUSIBLE]]
    )


def degraded_in_profile(sensors: Sequence[str], profile: Profile) -> str:
    """Name the sensors that were not sound in the commissioning time, and why."""
    states = [state_in_profile(name, profile) for name in sensors]
    codes = [0 if state is SensorState.LIVE else CODES[state.value] for state in states]
    return write_degraded(sensors, np.array(codes))


def state_in_profile(name: str, profile: Profile) -> SensorState:
    """What a sensor was like in the commissioning time; one that was not there was missing."""
    return profile.sensors[name].state if name in profile.sensors else SensorState.MISSING
