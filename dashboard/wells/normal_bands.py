"""What the detector takes for normal, sensor by sensor: the band of the Well page."""

import itertools
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from dashboard.curated.snapshot import FIRST, Snapshot
from dashboard.ui.timezones import for_chart, frame_microseconds
from petrostream.detection.degraded import degraded_sensors
from petrostream.detection.detector import Detector
from petrostream.detection.normal_band import Tolerance, tolerances
from petrostream.detection.profiles import Profile
from petrostream.errors import PetroStreamError
from petrostream.registry.models import CurrentModel
from petrostream.registry.profile_store import RecordingProfiles
from petrostream.schema.columns import DEGRADED_SENSORS, RECORDING, SECOND, TIMESTAMP
from petrostream.schema.sensors import BY_NAME
from petrostream.scoring.summaries import short_version

SPREADS: Final = 3
"""Half the band's width in spreads of the profile, where no model can be read."""
MODEL: Final = "model"

_KEPT: Final = 512
_AGAIN_SECONDS: Final = 30.0
"""How soon a model is asked for again where there was none."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of one recording that are measured against one profile; times UTC without a zone.

    `tolerances` is empty where there is no profile, or where the rows are `by_another` model than
    the published one.
    """

    recording: str
    start: datetime
    end: datetime
    profile: Profile | None
    tolerances: Mapping[str, Tolerance]
    by_another: bool


@dataclass(frozen=True)
class Normal:
    """Finds tolerances with the published model, or with the profile alone where there is none."""

    detector: Detector | None
    version: str = ""
    _known: dict[tuple[str, str, int, frozenset[str]], dict[str, Tolerance]] = field(
        default_factory=dict
    )

    def of(self, profile: Profile, broken: Collection[str]) -> Mapping[str, Tolerance]:
        """Each sensor's tolerance in a recording whose rows are scored without the broken ones."""
        if self.detector is None:
            return _by_spread(profile)
        key = (profile.well, profile.recording, profile.end, frozenset(broken))
        if key not in self._known:
            self._known[key] = tolerances(self.detector, profile, broken)
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        return self._known[key]

    def stretches(
        self, rows: pd.DataFrame, profiles: Mapping[str, RecordingProfiles], batches: pd.DataFrame
    ) -> list[Stretch]:
        """Part a well's rows by what they are measured against, each recording's in order.

        Sensors that are degraded in all rows of a stretch have no tolerance in it.

        Parameters
        ----------
        rows
            Rows of one well in the order of time.
        profiles
            The profiles of each recording.
        batches
            The batches that the rows are of (`batches_of`).
        """
        return [
            self._stretch(str(name), part, profile, by_another=by_another)
            for name, own in rows.groupby(RECORDING, sort=False, observed=True)
            for part, profile, by_another in self._parts(
                own, profiles[str(name)], batches[batches[RECORDING] == name]
            )
        ]

    def _parts(
        self, rows: pd.DataFrame, profiles: RecordingProfiles, batches: pd.DataFrame
    ) -> Iterator[tuple[pd.DataFrame, Profile | None, bool]]:
        """Part one recording's rows; a profile comes into force, and a model, with a batch."""
        firsts = batches[FIRST].to_numpy().astype("datetime64[us]").astype(np.int64)
        times = frame_microseconds(rows)
        places = np.maximum(np.searchsorted(firsts, times, side="right") - 1, 0)
        own = short_version(self.version)
        borders = [*np.flatnonzero(np.diff(places, prepend=-1)).tolist(), len(rows)]
        judged = [
            (
                begin,
                profiles.in_force(int(min(times[begin], firsts[places[begin]] + SECOND - 1))),
                self.detector is not None and batches[MODEL].iloc[places[begin]] != own,
            )
            for begin in borders[:-1]
        ]
        kinds = [list(each) for _, each in itertools.groupby(judged, lambda one: one[1:])]
        ends = [each[0][0] for each in kinds[1:]]
        for alike, end in zip(kinds, [*ends, len(rows)], strict=True):
            begin, profile, by_another = alike[0]
            yield rows.iloc[begin:end], profile, by_another

    def _stretch(
        self, recording: str, rows: pd.DataFrame, profile: Profile | None, *, by_another: bool
    ) -> Stretch:
        band: Mapping[str, Tolerance] = {}
        if profile is not None and not by_another:
            band = self.of(profile, _broken_throughout(rows))
        return Stretch(
            recording=recording,
            start=rows[TIMESTAMP].iloc[0].to_pydatetime(),
            end=rows[TIMESTAMP].iloc[-1].to_pydatetime(),
            profile=profile,
            tolerances=band,
            by_another=by_another,
        )


class PublishedNormal:
    """The bands by the published model, or by the profile alone while there is none."""

    def __init__(
        self, model: CurrentModel | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._model = model
        self._clock = clock
        self._normal = Normal(None)
        self._failed = -math.inf

    def now(self) -> Normal:
        """By the model that is current now; it is read where it is another one than before."""
        if self._model is None or self._clock() - self._failed < _AGAIN_SECONDS:
            return self._normal
        try:
            model = self._model.get()
        except PetroStreamError:
            self._failed = self._clock()
            return self._normal
        if model.version != self._normal.version:
            self._normal = Normal(model.detector, model.version)
        return self._normal


def batches_of(snapshot: Snapshot, places: np.ndarray) -> pd.DataFrame:
    """Recording, first second and model (`summaries.short_version`) of some batches, in order."""
    models = snapshot.batches["figures"]["model"][places]
    table = snapshot.table.iloc[places][[RECORDING, FIRST]]
    return table.assign(**{MODEL: [each.tobytes() for each in models]})


def _broken_throughout(rows: pd.DataFrame) -> set[str]:
    """The sensors that are degraded in all of the rows."""
    return set.intersection(
        *(set(degraded_sensors(str(text))) for text in rows[DEGRADED_SENSORS].unique())
    )


def _by_spread(profile: Profile) -> dict[str, Tolerance]:
    found = {}
    for name in profile.live_sensors:
        known = profile.sensors[name]
        width = SPREADS * known.spread
        found[name] = Tolerance(known.centre, known.centre - width, known.centre + width)
    return found


def bands(stretches: Sequence[Stretch], sensor: str, zone: ZoneInfo) -> pd.DataFrame:
    """One row per stretch that has a tolerance for a sensor: from when to when, and the edges.

    The edges end where the sensor can read no further.
    """
    own = [each for each in stretches if sensor in each.tolerances]
    edges = [each.tolerances[sensor].readable(*BY_NAME[sensor].plausible) for each in own]
    if not own:
        return pd.DataFrame()
    starts, ends = (
        pd.Series([getattr(each, name) for each in own], dtype="datetime64[us]")
        for name in ("start", "end")
    )
    return pd.DataFrame(
        {
            "start": for_chart(starts, zone),
            "end": for_chart(ends, zone),
            "low": [low for low, _ in edges],
            "high": [high for _, high in edges],
        }
    )
