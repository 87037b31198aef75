"""Where recordings' profiles are kept, and which of them a batch is measured against.

A recording has a *first* profile, of its commissioning time, and *later* ones where its well was
recommissioned. Which one is in force for a batch follows from the batch's first second alone, so
that scoring it again gives the same rows.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from petrostream.aws.buckets import Bucket
from petrostream.detection import profiles
from petrostream.detection.profiles import Profile
from petrostream.errors import ObjectMissing, PermanentError, TransientError
from petrostream.ingest.batches import Batch
from petrostream.schema.keys import profile_key, recommissioned_key
from petrostream.schema.stored_forms import read_from

_JSON: Final = "application/json"
_KEPT: Final = 512
_AGAIN_SECONDS: Final = 30.0
"""How soon a recommissioned well's new profile is found; it is put there before it is needed."""

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class RecordingProfiles:
    """A recording's first profile, if there is one, and the later ones, oldest first."""

    first: Profile | None = None
    later: tuple[Profile, ...] = ()

    def in_force(self, microseconds: int) -> Profile | None:
        """The profile that a batch is measured against, by its first row (µs since 1970, UTC)."""
        return profiles.in_force(self.later, microseconds) or self.first


@dataclass(frozen=True, slots=True)
class _Looked:
    """What is known of a recording, and when its later profiles were looked for."""

    profiles: RecordingProfiles = RecordingProfiles()
    at: float = -math.inf


class ProfileStore:
    """Reads and writes recordings' profiles, and remembers them.

    Every method raises `ServiceUnavailable` where AWS does not do its part, and `PermanentError`
    where a profile can't be read.

    Parameters
    ----------
    curated
        The bucket that holds them.
    clock
        Seconds that only go forward.
    lenient
        For those who look on and do not score: a profile that can't be read is as none, and
        while AWS does not do its part, what is known goes on.
    """

    def __init__(
        self,
        curated: Bucket,
        clock: Callable[[], float] = time.monotonic,
        *,
        lenient: bool = False,
    ) -> None:
        self._curated = curated
        self._clock = clock
        self._lenient = lenient
        self._known: OrderedDict[tuple[str, str], _Looked] = OrderedDict()

    def first(self, well: str, recording: str) -> Profile | None:
        """A recording's first profile; read once."""
        known = self._known.get((well, recording), _Looked())
        profile = known.profiles.first or self._read_first(well, recording)
        if profile is not None:
            self._remember_first(well, recording, profile)
        return profile

    def of(self, well: str, recording: str) -> RecordingProfiles:
        """All profiles of a recording; later ones are looked for again every half a minute."""
        known = self._known.get((well, recording), _Looked())
        if self._clock() - known.at > _AGAIN_SECONDS:
            known = self._look(well, recording, known)
        self._remember((well, recording), known)
        return known.profiles

    def commission(self, first_batch: Batch) -> Profile:
        """Learn a recording's first profile from its first batch; the first writer wins."""
        profile = profiles.learn(first_batch)
        well, recording = profile.well, profile.recording
        body = profiles.to_json(profile)
        if not self._curated.put_if_absent(profile_key(well, recording), body, _JSON):
            profile = self._read_first(well, recording) or profile
        self._remember_first(well, recording, profile)
        return profile

    def recommission(self, profile: Profile) -> None:
        """Put a later profile in force: for batches that begin after what it was learned from.

        One that is in force already, as after an answer that was lost, stays the only one. Raises
        `PermanentError` where there are more than can be kept, too.
        """
        known = self._read_later(profile.well, profile.recording)
        if profiles.to_json(profile) not in map(profiles.to_json, known):
            key = recommissioned_key(profile.well, profile.recording)
            self._curated.put(key, profiles.list_to_json([*known, profile]), _JSON)

    def _look(self, well: str, recording: str, known: _Looked) -> _Looked:
        try:
            first = known.profiles.first or self._read_first(well, recording)
            later = self._read_later(well, recording)
        except TransientError:
            if not self._lenient or known.at == -math.inf:
                raise
            return _Looked(known.profiles, self._clock())
        return _Looked(RecordingProfiles(first, later), self._clock())

    def _remember_first(self, well: str, recording: str, first: Profile) -> None:
        known = self._known.get((well, recording), _Looked())
        profiles_now = RecordingProfiles(first, known.profiles.later)
        self._remember((well, recording), _Looked(profiles_now, known.at))

    def _remember(self, name: tuple[str, str], known: _Looked) -> None:
        self._known.pop(name, None)
        self._known[name] = known
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def _read_first(self, well: str, recording: str) -> Profile | None:
        return self._read(profile_key(well, recording), profiles.from_json, None)

    def _read_later(self, well: str, recording: str) -> tuple[Profile, ...]:
        key = recommissioned_key(well, recording)
        return self._read(key, lambda body: tuple(profiles.list_from_json(body)), ())

    def _read(self, key: str, parse: Callable[[bytes], _Read], absent: _Read) -> _Read:
        try:
            stored = self._curated.get(key, at_most=profiles.MOST_LIST_BYTES)
            with read_from(key):
                return parse(stored.body)
        except ObjectMissing:
            return absent
        except PermanentError:
            if not self._lenient:
                raise
            return absent
