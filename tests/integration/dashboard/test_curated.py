"""The dashboard reads what is new, all of what is there, and names what it can't read."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import awswrangler as wr
import numpy as np
import pandas as pd
import pytest

from dashboard.curated.batches import BATCH, newest_versions
from dashboard.curated.bucket import Curated, Rows
from dashboard.curated.snapshot import ScoredObject, Snapshot
from dashboard.curated.summary_listing import SummaryListing
from dashboard.wells.status import wells_of
from petrostream.errors import ServiceUnavailable
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import SCORED, SUMMARIES
from petrostream.scoring.totals import tally
from tests.support.pipeline import Scoring

WELL = "WELL-90005"


class Reads:
    """Which objects were read, and which prefixes were listed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[str] = []
        self.listed: list[tuple[str, str]] = []
        read_parquet, list_ = wr.s3.read_parquet, SummaryListing.batches

        def parquet(*, path: list[str], **options: Any) -> Any:
            self.rows += [each.split("/", 3)[3] for each in path]
            return read_parquet(path=path, **options)

        def listing(listing_: SummaryListing, prefix: str, after: str) -> Any:
            self.listed.append((prefix, after))
            return list_(listing_, prefix, after)

        monkeypatch.setattr(wr.s3, "read_parquet", parquet)
        monkeypatch.setattr(SummaryListing, "batches", listing)


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    return Scoring(provisioned, packed)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture
def curated(scoring: Scoring) -> Curated:
    return Curated(scoring.provisioned.settings.curated_bucket)


def whole(curated: Curated) -> Snapshot:
    snapshot = curated.snapshot()
    assert snapshot is not None
    return snapshot


def objects_of(curated: Curated) -> list[ScoredObject]:
    return whole(curated).chosen(slice(None))


def test_an_empty_bucket_has_nothing(curated: Curated) -> None:
    snapshot = whole(curated)
    assert snapshot.is_empty
    assert snapshot.chosen(slice(None)) == []
    assert curated.rows([]).table.empty


def test_figures_are_those_of_the_curated_rows(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, ["WELL-90001", WELL]))
    snapshot = whole(curated)
    rows, table = scoring.curated(), snapshot.table
    assert table["rows"].sum() == len(rows)
    assert table["anomalies"].sum() == rows["anomaly_flag"].sum()
    assert table["scored"].sum() == (rows["status"] == "scored").sum()
    by_footers = tally(scoring.provisioned.curated)
    assert (by_footers.anomalies, by_footers.rows_scored) == (
        table["anomalies"].sum(),
        table["scored"].sum(),
    )
    flagged = rows[rows["anomaly_flag"] == 1]
    for well, shown in table.groupby("well", observed=True):
        of_well = rows[rows["well"] == well]
        assert shown["first"].min() == of_well["timestamp"].min().floor("s")
        assert abs(shown["last"].max() - of_well["timestamp"].max()) < pd.Timedelta("1ms")
        assert shown["worst"].max() == pytest.approx(of_well["anomaly_score"].max())
    newest = table["last_alarm"].max()
    assert abs(newest - flagged["timestamp"].max()) < pd.Timedelta("1ms")
    states = {each.name: str(each.state) for each in wells_of(snapshot, None)}
    assert states == {WELL: "alarm now", "WELL-90001": "normal"}


def test_the_score_line_is_the_highest_score_of_each_twelfth(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, [WELL]))
    snapshot, rows = whole(curated), scoring.curated()
    lines = snapshot.lines()
    assert lines.shape == (len(snapshot.table), 12)
    for line, batch in zip(lines, snapshot.table.itertuples(), strict=True):
        scores = rows.loc[rows["timestamp"].between(batch.first, batch.last), "anomaly_score"]
        if scores.notna().any():
            assert np.nanmax(line) == pytest.approx(min(scores.max(), 254 / 64), abs=1 / 64)
            assert (np.nanmax(line) >= 1) == (scores.max() >= 1)
        else:
            assert np.isnan(line).all()


def test_rows_are_the_curated_ones_in_the_order_of_time(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:1] + keys[:0:-1])
    rows, expected = curated.rows(objects_of(curated)), scoring.curated()
    columns = ["timestamp", *rows.sensors, "anomaly_score"]
    pd.testing.assert_frame_equal(rows.table[columns], expected[columns])
    assert rows.table["anomaly_flag"].tolist() == expected["anomaly_flag"].tolist()
    assert rows.table["status"].tolist() == expected["status"].tolist()
    assert [name for name in expected if name in rows.sensors] == list(rows.sensors)
    absent = {"P-JUS-BS", "QBS", "ESTADO-W1"}
    assert not absent & set(rows.sensors)


def test_refreshing_reads_only_what_is_new(
    scoring: Scoring, curated: Curated, reads: Reads, wells: Path
) -> None:
    keys = scoring.replay(wells, ["WELL-90001", WELL])
    held_back = keys.pop()
    scoring.score(keys)

    def rows() -> Rows:
        snapshot = whole(curated)
        return curated.rows(snapshot.chosen(snapshot.of_well(WELL)))

    rows()
    assert reads.rows
    assert not any("WELL-90001" in key for key in reads.rows), "rows of the chosen well only"
    reads.rows.clear()
    rows()
    assert reads.rows == []
    scoring.score([held_back])
    read = rows()
    assert set(reads.rows) == {held_back.replace("readings/", SCORED)}
    assert len(read.table) == (scoring.curated()["well"] == WELL).sum()


def test_of_many_batches_only_the_end_of_the_newest_dates_is_listed_again(
    scoring: Scoring, curated: Curated, reads: Reads, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.curated.listing_follower.FEW", 3)
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:-1])
    whole(curated)
    assert reads.listed == [("summaries/date=2024-01-01/", "")]
    scoring.score(keys[-1:])
    reads.listed.clear()
    snapshot = whole(curated)
    [(prefix, after)] = reads.listed
    assert after > prefix == "summaries/date=2024-01-01/"
    assert len(snapshot.batches) == len(keys)


def test_a_dashboard_started_again_shows_what_the_one_before_has_listed(
    scoring: Scoring, curated: Curated, reads: Reads, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.curated.listing_follower.FEW", 3)
    scoring.score(scoring.replay(wells, [WELL]))
    before = whole(curated)
    curated._follower._saver.shutdown(wait=True)
    reads.listed.clear()
    again = whole(Curated(curated.bucket.name))
    assert again.batches.tobytes() == before.batches.tobytes()
    [(_, after)] = reads.listed
    assert after, "of its one date only the end"


def test_a_summary_is_the_one_of_before_only_if_it_was_written_then(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:1])
    snapshot = whole(curated)
    key, modified = snapshot.summary_key(0), snapshot.batches["modified"][0].item()
    listing = SummaryListing(curated.bucket.name, scoring.provisioned.clients.s3)
    assert listing.is_there(key, modified)
    assert not listing.is_there(key, modified - timedelta(seconds=1))
    assert not SummaryListing("no-such-bucket", scoring.provisioned.clients.s3).is_there(
        key, modified
    )
    scoring.provisioned.curated.delete(key)
    assert not listing.is_there(key, modified)


def test_nothing_waits_for_a_slow_listing(
    scoring: Scoring, curated: Curated, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:2])
    released, list_ = threading.Event(), SummaryListing.batches

    def slow(listing_: SummaryListing, prefix: str, after: str) -> Any:
        released.wait(30)
        return list_(listing_, prefix, after)

    monkeypatch.setattr(SummaryListing, "batches", slow)
    assert curated.snapshot(0.05) is None
    released.set()
    assert len(whole(curated).batches) == 2


def test_no_page_waits_for_rows_that_are_read_for_another(
    scoring: Scoring, curated: Curated, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    objects = objects_of(curated)
    curated.rows(objects[-1:])
    begun, may_go_on, read_parquet = threading.Event(), threading.Event(), wr.s3.read_parquet

    def slow(**options: Any) -> Any:
        begun.set()
        may_go_on.wait(60)
        return read_parquet(**options)

    monkeypatch.setattr(wr.s3, "read_parquet", slow)
    reading = ThreadPoolExecutor(1).submit(curated.rows, objects)
    assert begun.wait(60)
    asked = ThreadPoolExecutor(1).submit(
        lambda: (curated.unreadable, len(curated.rows(objects[-1:]).table))
    )
    assert asked.result(60) == ((), 600)
    assert not reading.done()
    may_go_on.set()
    assert len(reading.result(60).table) == 2100


def test_strangers_among_the_summaries_are_left_out(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:1])
    [key] = scoring.provisioned.curated.keys(SUMMARIES)
    for stranger in (
        "summaries/notes.txt",
        key.replace(".json", "AAAA.json"),
        key.replace("/000000/", "/990000/"),
        key.replace(WELL, "<b>"),
    ):
        scoring.provisioned.curated.put(stranger, b"{}", "application/json")
    assert len(whole(curated).batches) == 1


def test_of_two_summaries_of_a_batch_the_newer_counts() -> None:
    batches = np.zeros(3, dtype=BATCH)
    batches["second"] = np.array(["2024-01-01", "2024-01-01", "2024-01-02"], dtype="M8[us]")
    batches["modified"] = np.array(["2025-01-02", "2025-01-01", "2025-01-01"], dtype="M8[us]")
    batches["figures"]["anomalies"] = [1, 2, 3]
    assert newest_versions(batches)["figures"]["anomalies"].tolist() == [1, 3]


def test_an_object_scored_anew_is_read_anew(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    keys = scoring.replay(wells, [WELL])[:3]
    scoring.score(keys)
    objects = objects_of(curated)
    assert len(curated.rows(objects).table) == 2100
    later = [replace(each, modified=each.modified + timedelta(seconds=5)) for each in objects]
    first = scoring.provisioned.curated.get(objects[0].key, at_most=2**26).body
    scoring.rewrite(objects[1].key, lambda _: first)
    assert curated.rows(later).table["timestamp"].duplicated().sum() == 900


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body[: len(body) // 2],
        lambda body: b"",
        lambda body: b"PAR1" + b"\0" * 64 + b"PAR1",
        lambda body: body[:4] + b"\xff" * (len(body) // 2) + body[4 + len(body) // 2 :],
    ],
)
def test_a_half_written_object_is_named_and_the_others_are_read(
    scoring: Scoring, curated: Curated, wells: Path, change: Callable[[bytes], bytes]
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    objects = objects_of(curated)
    scoring.rewrite(objects[1].key, change)
    assert len(curated.rows(objects).table) == 1500
    assert [each.key for each in curated.unreadable] == [objects[1].key]


def test_an_object_that_was_removed_is_named(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    objects = objects_of(curated)
    scoring.provisioned.curated.delete(objects[-1].key)
    assert len(curated.rows(objects).table) == 1500
    assert [each.key for each in curated.unreadable] == [objects[-1].key]


def test_a_bucket_that_is_not_there_is_a_fault_of_the_place(provisioned) -> None:
    with pytest.raises(ServiceUnavailable, match="does not exist"):
        Curated("no-such-bucket").snapshot()
