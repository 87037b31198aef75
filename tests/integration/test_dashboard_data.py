"""The dashboard reads what is new, all of what is there, and names what it can't read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awswrangler as wr
import pandas as pd
import pytest

from dashboard.data import Curated
from dashboard.fleet import summarise, total
from petrostream.errors import ServiceUnavailable
from petrostream.keys import SCORED
from petrostream.models import PackedModel
from petrostream.storage import Bucket
from petrostream.tally import tally
from tests.browser._pipeline import Scoring

WELL = "WELL-90005"


class Reads:
    """Which objects were read, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.footers: list[str] = []
        self.rows: list[str] = []
        self.columns: set[str] = set()
        get_tail, read_parquet = Bucket.get_tail, wr.s3.read_parquet

        def tail(bucket: Bucket, key: str, size: int) -> bytes:
            self.footers.append(key)
            return get_tail(bucket, key, size)

        def parquet(*, path: list[str], columns: list[str], **options: Any) -> Any:
            self.rows += [each.split("/", 3)[3] for each in path]
            self.columns |= set(columns)
            return read_parquet(path=path, columns=columns, **options)

        monkeypatch.setattr(Bucket, "get_tail", tail)
        monkeypatch.setattr(wr.s3, "read_parquet", parquet)

    def forget(self) -> None:
        self.footers.clear()
        self.rows.clear()
        self.columns.clear()


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    return Scoring(provisioned, packed)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture
def curated(scoring: Scoring) -> Curated:
    return Curated(scoring.provisioned.settings.curated_bucket)


def test_an_empty_bucket_has_nothing(curated: Curated) -> None:
    snapshot = curated.snapshot()
    assert snapshot.objects == ()
    assert curated.newest(snapshot) == {}
    assert curated.rows([]).table.empty


def test_figures_are_those_of_the_curated_rows(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, ["WELL-90001", WELL]))
    snapshot = curated.snapshot()
    rows, totals = scoring.curated(), total(snapshot.objects)
    assert totals.readings == len(rows)
    assert totals.anomalies == rows["anomaly_flag"].sum()
    assert totals.scored == (rows["status"] == "scored").sum()
    assert totals.newest_reading == rows["timestamp"].max()
    assert totals.wells == 2
    by_footers = tally(scoring.provisioned.curated)
    assert (by_footers.anomalies, by_footers.rows_scored) == (totals.anomalies, totals.scored)
    states = {each.well: str(each.state) for each in summarise(snapshot, curated.newest(snapshot))}
    assert states == {WELL: "alarm now", "WELL-90001": "normal"}


def test_rows_are_the_curated_ones_in_the_order_of_time(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:1] + keys[:0:-1])
    rows, expected = curated.rows(curated.snapshot().objects), scoring.curated()
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
    snapshot = curated.snapshot()
    curated.newest(snapshot)
    curated.rows(snapshot.by_well()[WELL])
    assert len(reads.footers) == len(keys)
    assert not any("WELL-90001" in key for key in reads.rows[4:]), "rows of the chosen well only"
    reads.forget()

    snapshot = curated.snapshot()
    curated.newest(snapshot)
    curated.rows(snapshot.by_well()[WELL])
    assert reads.footers == reads.rows == []

    scoring.score([held_back])
    new = held_back.replace("readings/", SCORED)
    snapshot = curated.snapshot()
    curated.newest(snapshot)
    rows = curated.rows(snapshot.by_well()[WELL])
    assert reads.footers == [new]
    assert set(reads.rows) == {new}
    assert len(rows.table) == (scoring.curated()["well"] == WELL).sum()


def test_the_figures_of_all_wells_need_no_readings(
    scoring: Scoring, curated: Curated, reads: Reads, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, ["WELL-90001", WELL]))
    snapshot = curated.snapshot()
    curated.newest(snapshot)
    assert len(reads.rows) <= 2 * 2, "at most two objects a well"
    assert reads.columns == {
        *("timestamp", "status", "anomaly_score", "anomaly_flag", "top_sensor"),
        "degraded_sensors",
    }


def test_an_object_scored_anew_is_read_anew(
    scoring: Scoring,
    curated: Curated,
    wells: Path,
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    objects = curated.snapshot().objects
    assert len(curated.rows(objects).table) == 2100
    first = scoring.provisioned.curated.get(objects[0].key, at_most=2**26).body
    scoring.rewrite(objects[1].key, lambda _: first)
    again = curated.snapshot().objects
    assert len(again) == 3
    assert curated.rows(again).table["timestamp"].duplicated().sum() == 900


def test_an_object_that_was_removed_is_gone(
    scoring: Scoring, curated: Curated, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    objects = curated.snapshot().objects
    curated.rows(objects)
    scoring.provisioned.curated.delete(objects[-1].key)
    again = curated.snapshot().objects
    assert again == objects[:-1]
    assert len(curated.rows(again).table) == 1500


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda body: body[: len(body) // 2], "magic bytes"),
        (lambda body: b"", "empty"),
        (lambda body: b"PAR1" + b"\0" * 64 + b"PAR1", ""),
        (lambda body: body.replace(b'"anomalies"', b'"anomalie_"'), "metadata"),
    ],
)
def test_a_half_written_object_is_named_and_the_others_are_read(
    scoring: Scoring,
    curated: Curated,
    wells: Path,
    change: Callable[[bytes], bytes],
    reason: str,
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    bad = curated.snapshot().objects[1].key
    scoring.rewrite(bad, change)
    snapshot = curated.snapshot()
    assert [each.key for each in curated.unreadable] == [bad]
    assert reason in curated.unreadable[0].reason
    assert len(curated.rows(snapshot.objects).table) == 1500


def test_an_object_damaged_in_its_middle_is_named_once_its_rows_are_read(
    scoring: Scoring,
    curated: Curated,
    wells: Path,
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:5])
    bad = curated.snapshot().objects[3].key
    scoring.rewrite(
        bad, lambda body: body[:4] + b"\xff" * (len(body) // 2) + body[4 + len(body) // 2 :]
    )
    snapshot = curated.snapshot()
    assert curated.unreadable == ()
    assert len(curated.rows(snapshot.objects).table) == 900 + 3 * 600
    assert [each.key for each in curated.unreadable] == [bad]
    assert len(curated.snapshot().objects) == 4


def test_a_stranger_under_scored_is_named(scoring: Scoring, curated: Curated, wells: Path) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:1])
    for key in ("scored/notes.txt", f"scored/well={WELL}/date=2024-01-01/a-20240101T000000.json"):
        scoring.provisioned.curated.put(key, b"hello", "text/plain")
    assert len(curated.snapshot().objects) == 1
    assert len(curated.unreadable) == 2


def test_a_bucket_that_is_not_there_is_a_fault_of_the_place(provisioned) -> None:
    with pytest.raises(ServiceUnavailable, match="does not exist"):
        Curated("no-such-bucket").snapshot()
