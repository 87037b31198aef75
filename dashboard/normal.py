"""What the detector takes for normal, sensor by sensor: the band of the Well page."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd
import streamlit as st

from dashboard.fleet import degraded_sensors
from petrostream.columns import DEGRADED_SENSORS, RECORDING, TIMESTAMP
from petrostream.detector import Detector
from petrostream.errors import PetroStreamError
from petrostream.profiles import Profile
from petrostream.registry import ModelRegistry
from petrostream.settings import Settings
from petrostream.storage import Bucket
from petrostream.tolerance import Tolerance, tolerances

SPREADS: Final = 3
"""Half the band's width in spreads of the profile, where no model can be read."""

_KEPT: Final = 512
_AGAIN_SECONDS: Final = 60
"""How long a model, or the lack of one, is remembered."""

ByRecording = Mapping[str, Mapping[str, Tolerance]]


@dataclass(frozen=True)
class Normal:
    """Finds tolerances with the published model, or with the profile alone where there is none."""

    detector: Detector | None
    _known: dict[tuple[str, str, int, frozenset[str]], dict[str, Tolerance]] = field(
        default_factory=dict
    )

    def of(self, profile: Profile, broken: Collection[str]) -> Mapping[str, Tolerance]:
        """Each sensor's tolerance in a recording whose rows are scored without the broken ones."""
        if self.detector is None:
            return _by_spread(profile)
        key = (profile.well, profile.recording, profile.start, frozenset(broken))
        if key not in self._known:
            self._known[key] = tolerances(self.detector, profile, broken)
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        return self._known[key]

    def in_rows(self, rows: pd.DataFrame, profiles: Mapping[str, Profile | None]) -> ByRecording:
        """Each recording's tolerances, without the sensors that are degraded in all its rows."""
        found = {}
        for name, own in rows.groupby(RECORDING, sort=False, observed=True):
            profile = profiles.get(str(name))
            if profile is not None:
                found[str(name)] = self.of(profile, _broken_throughout(own))
        return found


def find_normal() -> Normal:
    """The bands by the model that the environment names."""
    settings = Settings.load("curated_bucket")
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return _normal(settings.models_bucket, settings.model_parameter, endpoint)


@st.cache_resource(show_spinner=False, max_entries=2, ttl=_AGAIN_SECONDS)
def _normal(bucket: str, parameter: str, endpoint: str) -> Normal:  # noqa: ARG001 - another cache
    if not (bucket and parameter):
        return Normal(None)
    try:
        registry = ModelRegistry(Bucket(bucket), parameter)
        return Normal(registry.load(registry.pointer()).detector)
    except PetroStreamError:
        return Normal(None)


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


def bands(rows: pd.DataFrame, sensor: str, normal: ByRecording) -> pd.DataFrame:
    """A row a recording that has a tolerance for a sensor: from when to when, and the edges."""
    found = []
    for name, times in rows.groupby(RECORDING, sort=False, observed=True)[TIMESTAMP]:
        known = normal.get(str(name), {}).get(sensor)
        if known is not None:
            found.append(
                {
                    "start": times.iloc[0].tz_localize("UTC"),
                    "end": times.iloc[-1].tz_localize("UTC"),
                    "low": known.low,
                    "high": known.high,
                }
            )
    return pd.DataFrame(found)
