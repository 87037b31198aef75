"""What was listed is kept in files that are read again only if they are whole, and the place's."""

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.curated import listing_cache
from dashboard.curated.batches import BATCH
from dashboard.curated.listing_cache import KeptListing, ListingCache
from petrostream.disk_cache import MAGIC, SUFFIX
from petrostream.local.stack import down
from petrostream.scoring import summaries
from petrostream.settings import variable, write_stack

DATE = "2026-11-21"
CHECKED = datetime(2026, 11, 21, 12)


def listing(rows: int = 3) -> KeptListing:
    batches = np.zeros(rows, dtype=BATCH)
    batches["second"] = np.datetime64(DATE, "us") + np.arange(rows).astype("m8[h]")
    batches["well"], batches["recording"] = 1, 2
    batches["figures"]["format"] = summaries.FORMAT
    batches["figures"]["anomalies"] = np.arange(rows)
    return KeptListing(batches, ("WELL-0", "WELL-1"), ("r0", "r1", "r2"), CHECKED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "here--bucket"


def cache(folder: Path, place: str = "here bucket") -> ListingCache:
    return ListingCache(folder, place)


def kept(folder: Path) -> Path:
    cache(folder).save({DATE: listing()}, [DATE])
    [path] = folder.iterdir()
    return path


def test_what_was_put_there_is_read_again_with_the_names_that_stand_in_it(folder: Path) -> None:
    kept(folder)
    found = cache(folder).load(DATE)
    assert found is not None
    assert (found.wells, found.recordings, found.checked) == (("WELL-1",), ("r2",), CHECKED)
    assert found.batches["figures"].tobytes() == listing().batches["figures"].tobytes()
    assert found.batches["well"].tolist() == [0, 0, 0]


def test_only_the_user_may_read_it(folder: Path) -> None:
    path = kept(folder)
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: b"",
        lambda body: body[: len(body) // 2],
        lambda body: body + b"\0",
        lambda body: body[:-1] + bytes([body[-1] ^ 1]),
        lambda body: body.replace(b"listing 2", b"listing 1"),
        lambda body: body.replace(b'"rows": 3', b'"rows": 2'),
        lambda body: body.replace(b"WELL-1", b"<well>"),
        lambda body: body.replace(b'["r2"]', b"[]    "),
        lambda body: body.replace(b'{"place"', b'["place"'),
        lambda body: b"\x80\x04\x95 a pickle",
        lambda body: MAGIC + b"[" * 200_000 + b"\n",
        lambda body: os.urandom(len(body)),
    ],
)
def test_what_is_damaged_or_foreign_is_as_if_it_were_not_there(
    folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = kept(folder)
    body = path.read_bytes()
    assert damage(body) != body
    path.write_bytes(damage(body))
    assert cache(folder).load(DATE) is None


def test_another_place_or_date_is_not_taken_for_this_one(folder: Path) -> None:
    path = kept(folder)
    assert cache(folder, "there bucket").load(DATE) is None
    path.rename(folder / f"2026-11-20{SUFFIX}")
    assert cache(folder).load("2026-11-20") is None
    assert cache(folder).load("2026-11-19") is None


def test_dates_that_have_gone_and_drafts_left_behind_are_removed(folder: Path) -> None:
    kept(folder)
    draft = folder / "2026-11-2112345678.draft"
    draft.touch()
    os.utime(draft, (0, 0))
    (folder / "notes.txt").touch()
    second = replace(listing(), batches=listing().batches[:2])
    cache(folder).save({"2026-11-22": second}, ["2026-11-22"])
    assert sorted(path.name for path in folder.iterdir()) == ["2026-11-22.listing", "notes.txt"]


def test_the_oldest_dates_are_not_kept_beyond_the_bound(folder: Path, monkeypatch) -> None:
    size = kept(folder).stat().st_size
    monkeypatch.setattr(listing_cache, "MOST_BYTES", 2 * size + 10)
    dates = [f"2026-11-{day}" for day in (20, 22, 21)]
    cache(folder).save(dict.fromkeys(dates, listing()), dates)
    assert sorted(path.stem for path in folder.iterdir()) == ["2026-11-21", "2026-11-22"]


def aged(path: Path, age: timedelta) -> None:
    os.utime(path, (time.time() - age.total_seconds(),) * 2)


def test_places_that_nobody_visits_are_removed_and_nothing_else(folder: Path) -> None:
    old, recent, strange = (folder.parent / name for name in ("old", "recent", "strange"))
    for other, days in ((old, 31), (recent, 1)):
        aged(kept(other), timedelta(days=days))
    strange.mkdir(parents=True)
    (strange / "thesis.txt").touch()
    os.utime(strange / "thesis.txt", (0, 0))
    kept(folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        "here--bucket",
        "recent",
        "strange",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("chapter1.draft", b"two years of work"),
        ("2026-11-21-letter.draft", b""),
        ("2026-11-21abcdefgh.draft", b"Dear Ana"),
        ("estate.listing", MAGIC),
        ("2026-11-21.listing", b"three houses"),
    ],
)
@pytest.mark.parametrize("where", ["novel", "here--bucket"])
def test_files_of_somebody_else_stay_however_they_are_called(
    folder: Path, where: str, name: str, content: bytes
) -> None:
    theirs = folder.parent / where / name
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(content)
    os.utime(theirs, (1, 1))
    cache(folder).save({"2026-11-22": listing()}, ["2026-11-22"])
    assert theirs.read_bytes() == content


def test_a_folder_that_is_chosen_holds_only_one_of_ours(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv(variable("cache"), str(tmp_path))
    there = ListingCache.of("http://127.0.0.1:1", "curated")
    assert there is not None
    there.save({DATE: listing()}, [DATE])
    assert [path.name for path in tmp_path.iterdir()] == ["petrostream"]


def test_what_others_do_to_their_files_does_not_switch_it_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of another user, and files that are removed meanwhile."""
    hidden, fleeting = folder.parent / "hidden", folder.parent / "fleeting"
    aged(kept(fleeting), timedelta(days=31))
    kept(hidden)
    stat, iterdir = Path.stat, Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path == hidden:
            raise PermissionError(errno.EACCES, "Permission denied")
        return iterdir(path)

    def gone(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.suffix == SUFFIX and path.stem != "2026-11-22":
            raise FileNotFoundError(errno.ENOENT, "No such file")
        return stat(path, follow_symlinks=follow_symlinks)

    there = cache(folder)
    there.save({DATE: listing()}, [DATE])
    monkeypatch.setattr(Path, "iterdir", refused)
    monkeypatch.setattr(Path, "stat", gone)
    for number in (1, 2):
        second = replace(listing(), batches=next_day(number))
        there.save({"2026-11-22": second}, ["2026-11-22"])
    found = there.load("2026-11-22")
    assert found is not None and len(found.batches) == 2


def next_day(rows: int) -> np.ndarray:
    batches = listing(rows).batches
    batches["second"] += np.timedelta64(1, "D")
    return batches


def test_two_dashboards_that_write_the_same_date_leave_a_whole_file(folder: Path) -> None:
    first, second = cache(folder), cache(folder)

    class Interrupted(KeptListing):
        """While it is written the other dashboard writes the same date, and more of it."""

        def compact(self) -> KeptListing:
            second.save({DATE: listing(9)}, [DATE])
            assert batches_of(second) == 9
            return super().compact()

    first.save({DATE: Interrupted(**fields_of(listing(2)))}, [DATE])
    assert batches_of(first) == 2
    assert [path.suffix for path in folder.iterdir()] == [SUFFIX]


def batches_of(there: ListingCache) -> int:
    found = there.load(DATE)
    assert found is not None
    return len(found.batches)


def fields_of(known: KeptListing) -> dict[str, Any]:
    return {each.name: getattr(known, each.name) for each in fields(known)}


def test_a_folder_that_can_not_be_written_is_a_sentence_once(tmp_path: Path, caplog) -> None:
    (tmp_path / "file").touch()
    there = cache(tmp_path / "file" / "here")
    with caplog.at_level(logging.WARNING):
        there.save({DATE: listing()}, [DATE])
        there.save({DATE: listing()}, [DATE])
    [record] = caplog.records
    assert "PETROSTREAM_CACHE" in record.getMessage()
    assert record.exc_info is None
    assert there.load(DATE) is None


def test_what_was_listed_of_an_embedded_aws_goes_with_it(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv(variable("cache"), str(tmp_path / "cache"))
    endpoint = "http://127.0.0.1:1"
    for bucket in ("curated", "other"):
        there = ListingCache.of(endpoint, bucket)
        assert there is not None
        there.save({DATE: listing()}, [DATE])
        (there._folder / "2026-11-2112345678.draft").touch()
    names = {"AWS_ENDPOINT_URL": endpoint, variable("curated_bucket"): "curated"}
    write_stack({"environment": names, "processes": {}})
    assert down()
    left = [path.name for path in (tmp_path / "cache" / "petrostream").iterdir()]
    assert left == ["127.0.0.1-1--other"]


def test_it_can_be_switched_off(monkeypatch) -> None:
    monkeypatch.setenv(variable("cache"), "off")
    assert ListingCache.of("http://127.0.0.1:1", "curated") is None


def test_what_was_kept_with_another_list_of_sensors_is_listed_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(listing_cache, "LAYOUT", "that of one sensor less")
        kept(folder)
        assert cache(folder).load(DATE) is not None
    assert cache(folder).load(DATE) is None
