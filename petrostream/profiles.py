"""Profiles: what normal is for one recording, learned from its commissioning time.

Levels differ between wells, and between years of one well, by far more than a fault moves them.
So each recording is measured against its own start: a robust centre (median) and spread (scaled
median absolute deviation) a sensor.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from petrostream.batches import Batch, readings_of
from petrostream.errors import PermanentError
from petrostream.sensors import BY_NAME

_FORMAT: Final = 1
_MAD_TO_SIGMA: Final = 1.4826
_FEWEST_READINGS: Final = 30


class SensorState(StrEnum):
    """What a sensor was like in the commissioning time; only a live one is scored."""

    LIVE = "live"
    FROZEN = "frozen"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SensorProfile:
    """Centre and spread of one sensor, in its own unit, and how many readings they rest on."""

    state: SensorState
    centre: float
    spread: float
    readings: int


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of one recording; `start` and `end` are µs since 1970 (UTC)."""

    well: str
    recording: str
    start: int
    end: int
    sensors: dict[str, SensorProfile]

    @property
    def live_sensors(self) -> tuple[str, ...]:
        """The sensors that can be scored, in `SENSORS`' order."""
        return tuple(
            name
            for name in BY_NAME
            if name in self.sensors and self.sensors[name].state is SensorState.LIVE
        )


def learn(first: Batch) -> Profile:
    """Learn a recording's profile from its first batch."""
    commissioning = first.microseconds < first.commissioning_end
    values = readings_of(first.table, first.sensors)[commissioning]
    return Profile(
        well=first.id.well,
        recording=first.id.recording,
        start=first.recording_start,
        end=first.commissioning_end,
        sensors={
            name: _learn_sensor(values[:, column]) for column, name in enumerate(first.sensors)
        },
    )


def _learn_sensor(values: np.ndarray) -> SensorProfile:
    finite = values[np.isfinite(values)]
    if len(finite) < _FEWEST_READINGS:
        return SensorProfile(SensorState.MISSING, 0.0, 0.0, len(finite))
    centre = float(np.median(finite))
    if finite.min() == finite.max():
        return SensorProfile(SensorState.FROZEN, centre, 0.0, len(finite))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(finite - centre)))
    return SensorProfile(SensorState.LIVE, centre, spread, len(finite))


def to_json(profile: Profile) -> bytes:
    """Write a profile; the same profile always gives the same bytes."""
    document = {
        "format": _FORMAT,
        "well": profile.well,
        "recording": profile.recording,
        "start": profile.start,
        "end": profile.end,
        "sensors": {
            name: {
                "state": sensor.state.value,
                "centre": sensor.centre,
                "spread": sensor.spread,
                "readings": sensor.readings,
            }
            for name, sensor in profile.sensors.items()
        },
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def from_json(data: bytes) -> Profile:
    """Read a profile.

    Raises
    ------
    PermanentError
        If it was written by something else than this version of PetroStream.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        if document["format"] != _FORMAT:
            raise ValueError(f"its format is {document['format']}, not {_FORMAT}")
        return Profile(
            well=document["well"],
            recording=document["recording"],
            start=int(document["start"]),
            end=int(document["end"]),
            sensors={
                name: SensorProfile(
                    SensorState(sensor["state"]),
                    float(sensor["centre"]),
                    float(sensor["spread"]),
                    int(sensor["readings"]),
                )
                for name, sensor in document["sensors"].items()
                if name in BY_NAME
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentError(f"the profile can't be read: {error}") from error
