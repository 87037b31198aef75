"""Which profile is in force, what is remembered of it, and what strict and lenient readers see."""

from dataclasses import replace
from datetime import datetime

import pytest

from petrostream.aws.buckets import StoredObject
from petrostream.detection.profiles import (
    Profile,
    SensorProfile,
    SensorState,
    list_from_json,
    list_to_json,
    to_json,
)
from petrostream.errors import ObjectMissing, PermanentError, ServiceUnavailable
from petrostream.registry.profile_store import ProfileStore, RecordingProfiles
from petrostream.schema.keys import profile_key, recommissioned_key
from petrostream.schema.sensors import SENSOR_NAMES

WELL, RECORDING, OTHER = "WELL-1", "WELL-1_1", "WELL-1_2"
FIRST = Profile(
    WELL,
    RECORDING,
    0,
    900_000_000,
    {"P-TPT": SensorProfile(SensorState.LIVE, 1e7, 1e4, 900)},
)
LATER = replace(FIRST, start=900_000_000, end=1_800_000_000)


class Profiled:
    """A bucket of profiles that may be out of reach; it counts what is read."""

    def __init__(self) -> None:
        self.bodies = {profile_key(WELL, RECORDING): to_json(FIRST)}
        self.is_down = False
        self.reads: list[str] = []

    def get(self, key: str, *, at_most: int) -> StoredObject:
        self.reads.append(key)
        if self.is_down:
            raise ServiceUnavailable("AWS can't be reached")
        if key not in self.bodies:
            raise ObjectMissing("it does not exist")
        return StoredObject(self.bodies[key], "", datetime(2026, 11, 21))

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.bodies[key] = body


@pytest.mark.parametrize("lenient", [False, True])
def test_a_later_profile_is_found_soon_and_is_in_force_from_its_end_on(lenient: bool) -> None:
    bucket, now = Profiled(), [0.0]
    store = ProfileStore(bucket, lambda: now[0], lenient=lenient)
    assert store.of(WELL, RECORDING) == RecordingProfiles(FIRST)
    ProfileStore(bucket).recommission(LATER)
    now[0] = 30.0
    assert store.of(WELL, RECORDING) == RecordingProfiles(FIRST), "not asked again yet"
    now[0] = 31.0
    found = store.of(WELL, RECORDING)
    assert found.in_force(LATER.end - 1) == FIRST
    assert found.in_force(LATER.end) == LATER


def test_the_first_profile_is_read_once() -> None:
    bucket, now = Profiled(), [0.0]
    store = ProfileStore(bucket, lambda: now[0])
    for now[0] in (0.0, 60.0, 120.0):
        assert store.first(WELL, RECORDING) == store.of(WELL, RECORDING).first == FIRST
    assert bucket.reads.count(profile_key(WELL, RECORDING)) == 1
    assert bucket.reads.count(recommissioned_key(WELL, RECORDING)) == 3


def test_a_profile_that_is_not_there_yet_is_looked_for_each_time() -> None:
    bucket = Profiled()
    store = ProfileStore(bucket)
    assert store.first(WELL, OTHER) is None
    bucket.bodies[profile_key(WELL, OTHER)] = to_json(replace(FIRST, recording=OTHER))
    assert store.first(WELL, OTHER) is not None


def test_recommissioning_keeps_the_profiles_before() -> None:
    bucket = Profiled()
    store = ProfileStore(bucket)
    third = replace(LATER, end=2_700_000_000)
    store.recommission(LATER)
    store.recommission(third)
    assert list_from_json(bucket.bodies[recommissioned_key(WELL, RECORDING)]) == [LATER, third]
    assert ProfileStore(bucket).of(WELL, RECORDING).in_force(2_000_000_000) == LATER


def test_recommissioning_again_after_a_lost_answer_keeps_one_profile() -> None:
    bucket = Profiled()
    for _ in range(2):
        ProfileStore(bucket).recommission(LATER)
    assert list_from_json(bucket.bodies[recommissioned_key(WELL, RECORDING)]) == [LATER]


def test_a_thousand_profiles_of_all_sensors_are_kept_and_read() -> None:
    bucket = Profiled()
    sensor = SensorProfile(SensorState.IMPLAUSIBLE, -1.2345678901234567e-100, 2e-100, 200_000)
    widest = replace(
        LATER, well="W" * 120, recording="R" * 120, sensors=dict.fromkeys(SENSOR_NAMES, sensor)
    )
    known = [replace(widest, end=LATER.end + place) for place in range(999)]
    bucket.bodies[recommissioned_key(widest.well, widest.recording)] = list_to_json(known)
    newest = replace(widest, end=LATER.end + 999)
    ProfileStore(bucket).recommission(newest)
    later = ProfileStore(bucket).of(widest.well, widest.recording).later
    assert later == (*known, newest)


def test_no_more_profiles_are_written_than_are_read() -> None:
    bucket = Profiled()
    sensors = dict.fromkeys(SENSOR_NAMES, SensorProfile(SensorState.LIVE, 1.0, 1.0, 900))
    known = [replace(LATER, end=LATER.end + place, sensors=sensors) for place in range(2_666)]
    key = recommissioned_key(WELL, RECORDING)
    bucket.bodies[key] = before = list_to_json(known)
    with pytest.raises(PermanentError, match=rf"^{RECORDING} was recommissioned 2666 times"):
        ProfileStore(bucket).recommission(replace(LATER, end=LATER.end + 10_000, sensors=sensors))
    assert bucket.bodies[key] == before and len(list_from_json(before)) == 2_666


def test_a_profile_of_the_list_s_name_that_an_earlier_release_let_in_holds_nobody_up() -> None:
    bucket = Profiled()
    key = recommissioned_key(WELL, RECORDING)
    bucket.bodies[key] = to_json(replace(FIRST, recording=f"{RECORDING}.recommissioned"))
    assert ProfileStore(bucket).of(WELL, RECORDING) == RecordingProfiles(FIRST)
    ProfileStore(bucket).recommission(LATER)
    assert list_from_json(bucket.bodies[key]) == [LATER]
    bucket.bodies[key] = to_json(FIRST)
    with pytest.raises(PermanentError, match="can't be read"):
        ProfileStore(bucket).of(WELL, RECORDING)


def test_who_looks_on_goes_on_with_what_is_known() -> None:
    bucket, now = Profiled(), [0.0]
    bucket.bodies[recommissioned_key(WELL, RECORDING)] = list_to_json([LATER])
    lenient = ProfileStore(bucket, lambda: now[0], lenient=True)
    strict = ProfileStore(bucket, lambda: now[0])
    known = lenient.of(WELL, RECORDING)
    assert strict.of(WELL, RECORDING) == known
    bucket.is_down, now[0] = True, 60.0
    assert lenient.of(WELL, RECORDING) == known
    with pytest.raises(ServiceUnavailable):
        lenient.of(WELL, OTHER)
    with pytest.raises(ServiceUnavailable):
        strict.of(WELL, RECORDING)
    bucket.is_down = False
    assert strict.of(WELL, RECORDING) == known


def test_a_damaged_profile_stops_who_scores_and_is_none_to_who_looks_on() -> None:
    bucket = Profiled()
    bucket.bodies[profile_key(WELL, OTHER)] = b"{"
    bucket.bodies[recommissioned_key(WELL, OTHER)] = b"[[["
    assert ProfileStore(bucket, lenient=True).of(WELL, OTHER) == RecordingProfiles()
    with pytest.raises(PermanentError, match="can't be read"):
        ProfileStore(bucket).first(WELL, OTHER)
    bucket.bodies[profile_key(WELL, OTHER)] = to_json(replace(FIRST, recording=OTHER))
    with pytest.raises(PermanentError, match="can't be read"):
        ProfileStore(bucket).of(WELL, OTHER)
