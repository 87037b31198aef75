"""Profiles: what normal is for one recording, learned from its commissioning time.

Levels differ between wells, and between years of one well, by far more than a fault moves them.
So each recording is measured against its own start: a centre (median) and a spread (standard
deviation; the median absolute deviation of a gauge that moves in steps is often 0) a sensor.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from petrostream.documents import Bounds, Part, read_json
from petrostream.errors import PermanentError
from petrostream.ingest.batches import Batch
from petrostream.ingest.readings import believable, readings_of
from petrostream.schema.keys import RECOMMISSIONED
from petrostream.schema.sensors import BY_NAME, Side
from petrostream.schema.stored_forms import PROFILE

_WHAT: Final = "the profile"
_BOUNDS: Final = Bounds(size=1024 * 1024, depth=8, values=100_000, text=1024)
MOST_LIST_BYTES: Final = 8 * 1024 * 1024
_LIST_BOUNDS: Final = Bounds(size=MOST_LIST_BYTES, depth=8, values=400_000, text=1024)
"""They hold more than a thousand profiles, each of all sensors."""
_FEWEST_READINGS: Final = 30
_MOST_IMPLAUSIBLE: Final = 0.01
"""A sensor with more than this share of readings that can't be is not believed at all."""
_LEAST_NOISE: Final = 0.5
"""Noise below half a resolution says nothing more about how restless a well is."""


class SensorState(StrEnum):
    """What a sensor was like in the commissioning time; only a live one is scored."""

    LIVE = "live"
    FROZEN = "frozen"
    MISSING = "missing"
    IMPLAUSIBLE = "implausible"


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

    @property
    def restlessness(self) -> float:
        """How noisy the well was: the mean, over its live sensors, of the logarithm of the spread
        in resolutions; those of the production side if any is live.

        A well that slugs wanders further in normal hours than one that flows steadily, and in all
        its sensors: over 3W's normal instances this one figure explains how far sensors wander
        better than their own spread does (docs/decisions/0021).
        """
        spreads = [
            max(self.sensors[name].spread / BY_NAME[name].resolution, _LEAST_NOISE)
            for name in production_first(self.live_sensors)
        ]
        return float(np.mean(np.log(spreads))) if spreads else 0.0


def production_first(live: Iterable[str]) -> list[str]:
    """The sensors that say how a well is: those of the production side, or all where none is."""
    names = list(live)
    return [name for name in names if BY_NAME[name].side is Side.PRODUCTION] or names


def learn(first: Batch) -> Profile:
    """Learn a recording's profile from its first batch."""
    commissioning = first.microseconds < first.commissioning_end
    return Profile(
        well=first.id.well,
        recording=first.id.recording,
        start=first.recording_start,
        end=first.commissioning_end,
        sensors=learn_sensors(
            readings_of(first.table, first.sensors)[commissioning], first.sensors
        ),
    )


def learn_sensors(values: np.ndarray, sensors: tuple[str, ...]) -> dict[str, SensorProfile]:
    """Learn what normal is from readings, shape (rows, sensors); missing ones are NaN."""
    believed = believable(values, sensors)
    return {
        name: _learn_sensor(values[:, column], believed[:, column])
        for column, name in enumerate(sensors)
    }


def _learn_sensor(values: np.ndarray, believed: np.ndarray) -> SensorProfile:
    finite = values[np.isfinite(values)]
    if len(finite) < _FEWEST_READINGS:
        return SensorProfile(SensorState.MISSING, 0.0, 0.0, len(finite))
    if finite.min() == finite.max():
        return SensorProfile(SensorState.FROZEN, float(finite[0]), 0.0, len(finite))
    good = values[believed]
    if len(good) < len(finite) * (1 - _MOST_IMPLAUSIBLE) or good.min() == good.max():
        return SensorProfile(SensorState.IMPLAUSIBLE, 0.0, 0.0, len(finite))
    centre = float(np.median(good))
    spread = float(np.sqrt(np.mean((good - centre) ** 2)))
    return SensorProfile(SensorState.LIVE, centre, spread, len(good))


def to_json(profile: Profile) -> bytes:
    """Write a profile; the same profile always gives the same bytes."""
    return json.dumps(_document(profile), sort_keys=True, separators=(",", ":")).encode()


def from_json(data: bytes) -> Profile:
    """Read a profile.

    Raises
    ------
    PermanentError
        If it was written by something else than PetroStream, or in another format.
    """
    return _profile(read_json(data, _WHAT, bounds=_BOUNDS))


def list_to_json(known: list[Profile]) -> bytes:
    """Write the profiles of a recommissioned recording.

    Raises
    ------
    PermanentError
        If they are more than are read again.
    """
    body = json.dumps([_document(profile) for profile in known], sort_keys=True).encode()
    values = sum(10 + 5 * len(profile.sensors) for profile in known)
    if len(body) > _LIST_BOUNDS.size or values > _LIST_BOUNDS.values:
        raise PermanentError(
            f"{known[-1].recording} was recommissioned {len(known) - 1} times, and no further "
            "profile can be kept: begin a recording of another name"
        )
    return body


def list_from_json(data: bytes) -> list[Profile]:
    """Read the profiles of a recommissioned recording.

    Raises
    ------
    PermanentError
        If they were written by something else than PetroStream, or in another format.
    """
    document = read_json(data, _WHAT, bounds=_LIST_BOUNDS)
    if isinstance(document.plain, dict) and _is_a_stray(_profile(document)):
        return []
    return [_profile(each) for each in document.entries()]


def _is_a_stray(profile: Profile) -> bool:
    """Whether it is of a recording named as none may be, which earlier releases let in."""
    return profile.recording.endswith(RECOMMISSIONED)


def in_force(known: Iterable[Profile], microseconds: int) -> Profile | None:
    """The last of the profiles that was learned before a time (µs since 1970)."""
    learned = [profile for profile in known if profile.end <= microseconds]
    return max(learned, key=lambda profile: profile.end, default=None)


def _document(profile: Profile) -> dict[str, Any]:
    return {
        "format": PROFILE.newest,
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


def _whose(document: Any) -> str:
    recording = document.get("recording") if isinstance(document, dict) else None
    return f"of {recording}" if isinstance(recording, str) else ""


def _profile(document: Part) -> Profile:
    PROFILE.check(document.plain, _whose(document.plain))
    return Profile(
        well=document["well"].text(),
        recording=document["recording"].text(),
        start=document["start"].microseconds(),
        end=document["end"].microseconds(),
        sensors={
            name: SensorProfile(
                sensor["state"].choice(SensorState),
                sensor["centre"].number(),
                sensor["spread"].number(least=0.0),
                sensor["readings"].whole(least=0),
            )
            for name, sensor in document["sensors"].fields()
            if name in BY_NAME
        },
    )
