"""What is listed, when, and what a dashboard knows that is started again."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dashboard.curated import listing_follower
from dashboard.curated.batches import EMPTY, ListedKey, Names, parse
from dashboard.curated.listing_cache import KeptListing, ListingCache
from dashboard.curated.listing_follower import ListingFollower
from dashboard.curated.snapshot import Snapshot
from petrostream.errors import ServiceUnavailable
from petrostream.schema.keys import SUMMARIES, BatchId
from petrostream.scoring import summaries

TODAY = datetime(2026, 11, 21)
NOON = TODAY + timedelta(hours=12)
DAYS = 5
WELLS = ("WELL-2", "WELL-1")


class Objects:
    """A bucket's summaries in memory, listed as S3 does; tells what was asked for."""

    def __init__(self) -> None:
        self.stored: dict[str, datetime] = {}
        self.wells, self.recordings = Names(), Names()
        self.listed: list[tuple[str, str]] = []
        self.dates_listed = 0
        self.asked: list[str] = []
        self.is_down = False

    def put(self, well: str, second: datetime, modified: datetime, anomalies: int = 0) -> None:
        figures = np.zeros((), dtype=summaries.FIGURES)
        figures["format"], figures["scored"] = summaries.FORMAT, 600
        figures["anomalies"], figures["last_alarm_ms"] = anomalies, summaries.NEVER
        key = BatchId(well, f"{well}_r", second).summary(summaries.encode(figures))
        self.stored[key] = modified

    def another_process(self) -> "Objects":
        made = Objects()
        made.stored = self.stored
        return made

    def dates(self) -> list[str]:
        if self.is_down:
            raise ServiceUnavailable("AWS can't be reached")
        self.dates_listed += 1
        return sorted({key.split("/")[1].removeprefix("date=") for key in self.stored})

    def batches(self, prefix: str, after: str) -> np.ndarray:
        self.listed.append((prefix, after))
        keys = [key for key in sorted(self.stored) if key.startswith(prefix) and key > after]
        listed = [ListedKey(key, self.stored[key]) for key in keys]
        return np.concatenate([EMPTY, parse(listed, self.wells, self.recordings)])

    def is_there(self, key: str, modified: datetime) -> bool:
        self.asked.append(key)
        return self.stored.get(key) == modified


class Clock:
    """The time as the follower sees it: it stands still between looks, but for a moment."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self) -> datetime:
        self.passed += timedelta(microseconds=1)
        return NOON + self.passed

    def monotonic(self) -> float:
        return self.passed.total_seconds()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(listing_follower, "_now", made.now)
    monkeypatch.setattr(listing_follower, "time", made)
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_follower, "FEW", 3)


@pytest.fixture
def objects() -> Objects:
    """Five days of two wells; only the newest was written to lately."""
    made = Objects()
    for day in range(DAYS):
        for hour in range(4):
            for well in WELLS:
                second = TODAY - timedelta(days=day) + timedelta(hours=hour)
                made.put(well, second, second + timedelta(minutes=10))
    made.put(WELLS[0], TODAY + timedelta(hours=5), NOON)
    return made


@pytest.fixture
def cache(tmp_path: Path) -> ListingCache:
    return ListingCache(tmp_path / "cache", "here")


def whole(follower: ListingFollower) -> Snapshot:
    snapshot = follower.update()
    assert snapshot is not None
    return snapshot


def stopped(follower: ListingFollower) -> None:
    follower._saver.shutdown(wait=True)


def run_once(objects: Objects, cache: ListingCache | None) -> Snapshot:
    follower = ListingFollower(objects, cache)
    found = whole(follower)
    stopped(follower)
    return found


def rows(snapshot: Snapshot) -> list[tuple[str, str, int]]:
    table = snapshot.table
    return list(zip(table["well"], table["first"].astype(str), table["anomalies"], strict=True))


def whole_dates(listed: Iterable[tuple[str, str]]) -> list[str]:
    return [prefix for prefix, after in listed if not after]


def test_batches_are_in_the_order_of_wells_then_time(objects: Objects) -> None:
    snapshot = run_once(objects, None)
    found = rows(snapshot)
    assert found == sorted(found)
    assert len(found) == len(objects.stored)
    assert snapshot.wells == ("WELL-1", "WELL-2")
    assert snapshot.of_well("WELL-2") == slice(4 * DAYS, 8 * DAYS + 1)


def test_what_comes_into_an_empty_bucket_is_found_at_once(objects: Objects) -> None:
    stored = dict(objects.stored)
    objects.stored.clear()
    follower = ListingFollower(objects, None)
    assert whole(follower).is_empty
    objects.stored |= stored
    assert len(whole(follower).batches) == len(stored)


def test_a_dashboard_started_again_lists_only_what_changes(
    objects: Objects, cache: ListingCache
) -> None:
    before = run_once(objects, cache)
    again = objects.another_process()
    objects.put(WELLS[1], TODAY + timedelta(hours=6), TODAY, anomalies=7)
    snapshot = run_once(again, cache)
    assert rows(snapshot)[: 4 * DAYS] == rows(before)[: 4 * DAYS]
    assert len(snapshot.batches) == len(before.batches) + 1
    assert again.dates_listed == 1
    assert again.listed == [(f"{SUMMARIES}date={TODAY:%Y-%m-%d}/", again.listed[0][1])]
    assert again.listed[0][1], "only its end"
    assert len(again.asked) == DAYS
    assert snapshot.unchecked == DAYS


def test_of_dates_at_rest_the_newest_and_one_other_in_turn_are_listed_at_their_end(
    objects: Objects, clock: Clock
) -> None:
    follower = ListingFollower(objects, None)
    whole(follower)
    clock.passed += timedelta(hours=1)
    whole(follower)
    seen = []
    for _ in range(DAYS):
        objects.listed.clear()
        whole(follower)
        assert whole_dates(objects.listed) == []
        newest, other = (prefix for prefix, _ in sorted(objects.listed, reverse=True))
        assert newest == f"{SUMMARIES}date={TODAY:%Y-%m-%d}/"
        seen.append(other)
    assert len(set(seen)) == DAYS - 1


def test_a_restart_after_a_pause_lists_the_end_of_the_newest_date_only(
    objects: Objects, cache: ListingCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_follower, "_KEPT_EVERY_SECONDS", -1.0)
    follower = ListingFollower(objects, cache)
    whole(follower)
    clock.passed += timedelta(hours=1)
    whole(follower)
    stopped(follower)
    again = objects.another_process()
    snapshot = run_once(again, cache)
    assert [bool(after) for _, after in again.listed] == [True]
    assert again.listed[0][0] == f"{SUMMARIES}date={TODAY:%Y-%m-%d}/"
    assert len(snapshot.batches) == len(objects.stored)


def test_what_is_scored_after_a_pause_is_shown_at_the_next_look(
    objects: Objects, clock: Clock
) -> None:
    follower = ListingFollower(objects, None)
    for _ in range(20):
        whole(follower)
        clock.passed += timedelta(minutes=1)
    objects.put(WELLS[0], TODAY + timedelta(hours=6), clock.now(), anomalies=7)
    assert whole(follower).table["anomalies"].sum() == 7


def test_what_is_added_to_an_old_date_is_shown_after_a_look_for_each_date(
    objects: Objects, clock: Clock
) -> None:
    follower = ListingFollower(objects, None)
    whole(follower)
    clock.passed += timedelta(hours=1)
    whole(follower)
    old = TODAY - timedelta(days=3)
    objects.put(WELLS[0], old + timedelta(hours=4), clock.now(), anomalies=7)
    found = [whole(follower).table["anomalies"].sum() for _ in range(DAYS)]
    assert found[-1] == 7


def test_every_date_is_listed_as_a_whole_in_turn(objects: Objects, clock: Clock) -> None:
    """Those that are being written as well: a batch may come hours late."""
    follower = ListingFollower(objects, None)
    whole(follower)
    whole(follower)
    objects.put(WELLS[0], TODAY + timedelta(minutes=30), clock.now(), anomalies=7)
    objects.listed.clear()
    for _ in range(DAYS):
        clock.passed += timedelta(seconds=listing_follower._WHOLE_EVERY_SECONDS + 1)
        snapshot = whole(follower)
    assert len(set(whole_dates(objects.listed))) == DAYS
    assert snapshot.table["anomalies"].sum() == 7


def test_a_bucket_that_does_not_answer_for_a_moment_puts_nothing_in_doubt(
    objects: Objects, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = ListingFollower(objects, None)
    whole(follower)

    def throttled(key: str, modified: datetime) -> bool:
        raise ServiceUnavailable(f"AWS throttled a call for {key} of {modified}")

    monkeypatch.setattr(objects, "is_there", throttled)
    clock.passed += timedelta(seconds=listing_follower._DATES_EVERY_SECONDS + 1)
    assert whole(follower).unchecked == 0
    assert objects.dates_listed == 2


def test_what_was_kept_is_not_believed_where_the_bucket_does_not_answer(
    objects: Objects, cache: ListingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_once(objects, cache)
    again = objects.another_process()

    def throttled(key: str, modified: datetime) -> bool:
        raise ServiceUnavailable(f"AWS throttled a call for {key} of {modified}")

    monkeypatch.setattr(again, "is_there", throttled)
    assert len(run_once(again, cache).batches) == len(objects.stored)
    assert len(whole_dates(again.listed)) == DAYS


class Saves(ListingCache):
    """Counts how often it is written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "here")
        self.number = 0

    def save(self, dates: Mapping[str, KeptListing], there: Iterable[str]) -> None:
        self.number += 1
        super().save(dates, there)


def test_it_is_kept_on_disk_once_a_minute_at_most(
    objects: Objects, clock: Clock, tmp_path: Path
) -> None:
    saves = Saves(tmp_path / "cache")
    follower = ListingFollower(objects, saves)
    for look in range(24):
        for day in range(3):
            second = TODAY - timedelta(days=day) + timedelta(hours=7, seconds=look)
            objects.put(WELLS[0], second, clock.now())
        whole(follower)
        clock.passed += timedelta(seconds=5)
    stopped(follower)
    assert saves.number == 2, "after the first listing, and a minute later"


def test_a_place_that_grows_is_kept_with_all_its_dates(
    objects: Objects, cache: ListingCache, clock: Clock
) -> None:
    later = dict(objects.stored)
    objects.stored = dict(list(later.items())[:1])
    follower = ListingFollower(objects, cache)
    whole(follower)
    objects.stored = later
    whole(follower)
    stopped(follower)
    dates = {key.split("/")[1].removeprefix("date=") for key in later}
    assert all(cache.load(date) for date in dates)


def test_only_dates_of_which_nothing_is_known_are_said_to_be_missing(
    objects: Objects, cache: ListingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[int, int]] = []
    publish = ListingFollower._publish

    def told(follower: ListingFollower, pending: tuple[int, int]) -> None:
        said.append(pending)
        publish(follower, pending)

    monkeypatch.setattr(ListingFollower, "_publish", told)
    run_once(objects, cache)
    assert said == [(left, DAYS) for left in range(DAYS - 1, -1, -1)]
    said.clear()
    objects.put(WELLS[0], TODAY - timedelta(days=9), TODAY)
    run_once(objects.another_process(), cache)
    assert said[0] == (1, 1) and said[-1] == (0, 1)


def test_dates_that_are_new_meanwhile_are_listed(objects: Objects, cache: ListingCache) -> None:
    run_once(objects, cache)
    objects.put(WELLS[0], TODAY - timedelta(days=9), TODAY)
    again = objects.another_process()
    snapshot = run_once(again, cache)
    missing = f"{SUMMARIES}date={TODAY - timedelta(days=9):%Y-%m-%d}/"
    assert whole_dates(again.listed) == [missing]
    assert len(snapshot.batches) == len(objects.stored)


def test_dates_from_the_cache_are_listed_again_one_after_the_other(
    objects: Objects, cache: ListingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_once(objects, cache)
    late = TODAY - timedelta(days=3) + timedelta(minutes=30)
    objects.put(WELLS[0], late, TODAY - timedelta(hours=1), anomalies=5)
    again = objects.another_process()
    follower = ListingFollower(again, cache)
    assert whole(follower).table["anomalies"].sum() == 0
    monkeypatch.setattr(listing_follower, "_UNCHECKED_EVERY_SECONDS", -1.0)
    left = [whole(follower).unchecked for _ in range(DAYS)]
    assert left == [4, 3, 2, 1, 0]
    assert whole(follower).table["anomalies"].sum() == 5


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(seconds=1)])
def test_a_bucket_that_was_rebuilt_is_not_shown_as_it_was(
    objects: Objects, cache: ListingCache, later: timedelta
) -> None:
    """The same keys and bytes, replayed into another bucket of that name, were written later."""
    run_once(objects, cache)
    again = objects.another_process()
    again.stored = {key: modified + later for key, modified in list(objects.stored.items())[:20]}
    snapshot = run_once(again, cache)
    assert len(snapshot.batches) == 20
    assert (snapshot.table["modified"] == sorted_times(again)).all()
    assert len(whole_dates(again.listed)) == 3


def sorted_times(objects: Objects) -> list[datetime]:
    def place(key: str) -> tuple[str, str, str]:
        _, date, time, well, *_ = key.split("/")
        return well, date, time

    return [objects.stored[key] for key in sorted(objects.stored, key=place)]


def test_a_date_whose_objects_are_others_is_listed_anew(
    objects: Objects, cache: ListingCache
) -> None:
    run_once(objects, cache)
    date = f"{TODAY - timedelta(days=2):%Y-%m-%d}"
    for key in [key for key in objects.stored if f"date={date}/" in key]:
        objects.stored[key] += timedelta(hours=1)
    again = objects.another_process()
    run_once(again, cache)
    assert whole_dates(again.listed) == [f"{SUMMARIES}date={date}/"]


def test_a_bucket_that_is_exchanged_meanwhile_is_listed_again(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_follower, "_DATES_EVERY_SECONDS", -1.0)
    monkeypatch.setattr(listing_follower, "_UNCHECKED_EVERY_SECONDS", -1.0)
    follower = ListingFollower(objects, None)
    assert whole(follower).unchecked == 0
    objects.stored = {key: when + timedelta(hours=9) for key, when in objects.stored.items()}
    for _ in range(2 * DAYS):
        snapshot = whole(follower)
    assert (snapshot.table["modified"] == sorted_times(objects)).all()
    assert snapshot.unchecked == 0


def test_an_emptied_bucket_shows_nothing(objects: Objects, cache: ListingCache) -> None:
    run_once(objects, cache)
    objects.stored.clear()
    assert run_once(objects.another_process(), cache).is_empty


def test_nothing_is_shown_before_the_bucket_has_answered(
    objects: Objects, cache: ListingCache
) -> None:
    run_once(objects, cache)
    again = objects.another_process()
    again.is_down = True
    follower = ListingFollower(again, cache)
    with pytest.raises(ServiceUnavailable):
        follower.update()
    assert follower.known is None


def test_a_damaged_file_costs_one_listing(
    objects: Objects, cache: ListingCache, tmp_path: Path
) -> None:
    run_once(objects, cache)
    bad = sorted((tmp_path / "cache").iterdir())[1]
    bad.write_bytes(bad.read_bytes()[:-9])
    again = objects.another_process()
    snapshot = run_once(again, cache)
    assert whole_dates(again.listed) == [f"{SUMMARIES}date={bad.stem}/"]
    assert len(snapshot.batches) == len(objects.stored)


def test_of_a_small_place_nothing_is_kept(
    objects: Objects, cache: ListingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_follower, "FEW", 2000)
    run_once(objects, cache)
    assert not (tmp_path / "cache").exists()


def test_batches_that_did_not_change_are_not_made_again(objects: Objects) -> None:
    follower = ListingFollower(objects, None)
    first = whole(follower)
    batches, table = first.batches, first.table
    second = whole(follower)
    assert second.taken > first.taken
    assert second.batches is batches and second.table is table
    objects.put(WELLS[0], TODAY + timedelta(hours=7), TODAY)
    third = whole(follower)
    assert third.table is not table
    assert [new is old for new, old in zip(third.parts, second.parts, strict=True)] == [
        *[True] * (DAYS - 1),
        False,
    ]


def test_snapshots_that_pages_still_hold_keep_no_batches_of_their_own(objects: Objects) -> None:
    follower = ListingFollower(objects, None)
    held = []
    for number in range(5):
        objects.put(WELLS[0], TODAY + timedelta(hours=7, minutes=number), TODAY, anomalies=number)
        held.append(whole(follower))
        assert held[-1].table["anomalies"].sum() == sum(range(number + 1))
    assert [bool(each.made) for each in held] == [False] * 3 + [True] * 2
    assert held[0].table["anomalies"].sum() == 0, "what it showed is shown again"
