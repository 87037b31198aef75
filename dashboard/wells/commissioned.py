"""The profiles that recordings are measured against: the first ones and those of later times."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from petrostream.aws.buckets import Bucket
from petrostream.detection import profiles
from petrostream.detection.profiles import Profile
from petrostream.errors import PermanentError, TransientError
from petrostream.schema.keys import profile_key, recommissioned_key

_KEPT: Final = 512
_MAX_BYTES: Final = 1024 * 1024
_AGAIN_SECONDS: Final = 30.0
"""How soon it is seen that a well was recommissioned."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """A recording's first profile, if there is one that can be read, and the later ones."""

    first: Profile | None
    later: tuple[Profile, ...] = ()

    def in_force(self, microseconds: int) -> Profile | None:
        """The profile that a batch is measured against, by its first row (µs since 1970)."""
        return profiles.in_force(list(self.later), microseconds) or self.first


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found, and when."""

    profiles: Profiles
    at: float


class Commissioned:
    """Reads recordings' profiles; they are remembered, for all visitors.

    What reads raises `ServiceUnavailable` where AWS does not do its part and nothing is known.
    """

    def __init__(self, bucket: Bucket, clock: Callable[[], float] = time.monotonic) -> None:
        self._bucket = bucket
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], _Looked] = OrderedDict()

    def of(self, well: str, recording: str) -> Profiles:
        """A recording's profiles."""
        name = (well, recording)
        known = self._known.get(name, _Looked(Profiles(None), -math.inf))
        if self._clock() - known.at > _AGAIN_SECONDS:
            known = self._look(name, known)
            self._known[name] = known
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known.profiles

    def _look(self, name: tuple[str, str], known: _Looked) -> _Looked:
        try:
            first = known.profiles.first or self._first(name)
            return _Looked(Profiles(first, self._later(name)), self._clock())
        except TransientError:
            if known.at == -math.inf:
                raise
            return _Looked(known.profiles, self._clock())

    def _first(self, name: tuple[str, str]) -> Profile | None:
        try:
            stored = self._bucket.get(profile_key(*name), at_most=_MAX_BYTES)
            return profiles.from_json(stored.body)
        except PermanentError:
            return None

    def _later(self, name: tuple[str, str]) -> tuple[Profile, ...]:
        try:
            stored = self._bucket.get(recommissioned_key(*name), at_most=_MAX_BYTES)
            return tuple(profiles.list_from_json(stored.body))
        except PermanentError:
            return ()
