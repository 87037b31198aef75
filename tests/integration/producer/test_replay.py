"""The producer: what it uploads, in which order and when, and how it goes on after a stop."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from petrostream.aws.buckets import Bucket
from petrostream.errors import UsageError
from petrostream.ingest.batches import (
    BATCH_SECONDS,
    COMMISSIONING_SECONDS,
    LOOKBACK_SECONDS,
    Batch,
    decode,
)
from petrostream.ingest.recordings import Recording, find_recordings
from petrostream.schema.keys import READINGS, parse_batch_key
from producer.__main__ import main
from producer.progress import Progress
from producer.replay import LiveReplay, Replay
from producer.schedule import Schedule, due_batches, shifted
from producer.speed import Speed
from producer.upload import Uploader

SCHEDULE = Schedule(
    batch_seconds=BATCH_SECONDS,
    commissioning_seconds=COMMISSIONING_SECONDS,
    lookback_seconds=LOOKBACK_SECONDS,
)


def uploaded(provisioned) -> dict[str, Batch]:
    objects = provisioned.objects(provisioned.settings.raw_bucket, READINGS)
    return {key: decode(body, parse_batch_key(key)) for key, body in objects.items()}


def test_every_row_of_every_recording_is_uploaded_once(
    provisioned, wells: Path, recordings: list[Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(wells), "--speed", "max", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = sum(recording.rows for recording in recordings)
    assert (summary["recordings"], summary["rows"], summary["problems"]) == (6, rows, 0)
    batches = uploaded(provisioned)
    assert len(batches) == summary["batches"]
    for recording in recordings:
        own = [batch for batch in batches.values() if batch.id.recording == recording.recording]
        times = [batch.microseconds[batch.lookback_rows :] for batch in own]
        assert (np.sort(np.concatenate(times)) == recording.microseconds).all()


def test_an_interrupted_replay_goes_on_without_a_duplicate(
    provisioned, wells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(Uploader):
        def submit(self, release):
            if release.batch.id.first_second.minute % 30 > 20:
                raise KeyboardInterrupt
            yield from super().submit(release)

    files, _ = find_recordings(wells)
    bucket = Bucket(provisioned.settings.raw_bucket)
    with pytest.raises(KeyboardInterrupt), Progress("replaying", None) as progress:
        Replay(files, SCHEDULE, Speed(float("inf"))).run(Interrupting(bucket, 4), progress)
    before = {item["Key"]: item["LastModified"] for item in listing(provisioned)}
    assert before
    assert main(["replay", str(wells), "--speed", "max", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    after = {item["Key"]: item["LastModified"] for item in listing(provisioned)}
    assert summary["batches_already_there"] == len(before)
    assert summary["batches"] == len(after)
    assert {key: after[key] for key in before} == before
    sent = provisioned.clients.sqs.get_queue_attributes(
        QueueUrl=provisioned.settings.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]["ApproximateNumberOfMessages"]
    assert int(sent) == len(after) + 1  # and S3's test event


def listing(provisioned) -> list[dict]:
    pages = provisioned.clients.s3.get_paginator("list_objects_v2").paginate(
        Bucket=provisioned.settings.raw_bucket, Prefix=READINGS
    )
    return [item for page in pages for item in page.get("Contents", [])]


def test_a_recording_cut_otherwise_is_refused_and_named(
    provisioned, wells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(wells), "--speed", "max", "--limit", "1"]) == 0
    before = sorted(provisioned.objects(provisioned.settings.raw_bucket))
    for minutes in ("7", "5", "60"):
        again = ["replay", str(wells), "--speed=max", "--limit=1", f"--batch-minutes={minutes}"]
        assert main(again) == 3
        assert f"batches of 10 min, not {minutes} min" in capsys.readouterr().err
    assert sorted(provisioned.objects(provisioned.settings.raw_bucket)) == before


def test_choosing_wells_classes_and_a_limit(provisioned, wells: Path) -> None:
    assert main(["replay", str(wells), "--speed", "max", "--wells", "WELL-90002"]) == 0
    assert {batch.id.well for batch in uploaded(provisioned).values()} == {"WELL-90002"}
    assert main(["replay", str(wells), "--speed", "max", "--classes", "0", "--limit", "1"]) == 0
    assert {batch.id.well for batch in uploaded(provisioned).values()} == {
        "WELL-90001",
        "WELL-90002",
    }


def test_batches_are_due_when_their_last_reading_would_be_taken(wells: Path) -> None:
    due = [
        (release.due, release.batch.id.well)
        for release in due_batches(find_recordings(wells)[0], SCHEDULE, on_problem=pytest.fail)
    ]
    assert [when for when, _ in due] == sorted(when for when, _ in due)
    first_due = {}
    for when, well in due:
        first_due.setdefault(well, when)
    assert len(first_due) == 6
    assert all(850 <= when < 900 for when in first_due.values()), "wells begin together"


def test_pacing_sleeps_until_each_batch_is_due(provisioned, wells: Path) -> None:
    now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    files = find_recordings(wells, wells=["WELL-90001"])[0]
    replay = Replay(files, SCHEDULE, Speed(60.0), clock=lambda: now, sleep=sleep)
    with Progress("replaying", None) as progress:
        replay.run(Uploader(Bucket(provisioned.settings.raw_bucket), 2), progress)
    assert now - 1000.0 == pytest.approx((7200 - 900) / 60, abs=2)


def test_looping_moves_time_on_by_whole_days(wells: Path) -> None:
    schedule = Schedule(3600, 900, 900, loop=True)
    files = find_recordings(wells, wells=["WELL-90001"])[0]
    found = due_batches(files, schedule, on_problem=pytest.fail)
    ids = [next(found).batch.id for _ in range(5)]
    assert [batch.first_second.day for batch in ids] == [1, 1, 2, 2, 3]
    assert ids[2].recording == f"{ids[0].recording}~{ids[2].first_second:%Y%m%dT%H%M%S}"
    assert ids[2].first_second.time() == ids[0].first_second.time()


def test_now_looks_live_and_resumes_where_it_was(wells: Path) -> None:
    before = int(time.time())
    live = LiveReplay.resume_or_begin("a replay", restart=False)
    assert before <= live.began <= time.time()
    assert live.anchor(3600.0, Speed(1.0)) == int(live.began) * 10**6
    assert live.anchor(3600.0, Speed(60.0)) == (int(live.began) - 3540) * 10**6
    assert live.anchor(3600.0, Speed(float("inf"))) == (int(live.began) - 3600) * 10**6
    assert LiveReplay.resume_or_begin("a replay", restart=False) == live
    live.forget()
    assert not live.path.exists()
    schedule = Schedule(600, 900, 900, anchor=1_800_000_000_000_000)
    first = next(due_batches(find_recordings(wells)[0], schedule, on_problem=pytest.fail)).batch
    assert first.recording_start == 1_800_000_000_000_000
    assert "~20270115T080000" in first.id.recording


def test_a_replay_of_now_ends_at_the_clock(provisioned, wells: Path) -> None:
    assert main(["replay", str(wells), "--speed", "max", "--now", "--limit", "1"]) == 0
    last = max(int(batch.microseconds[-1]) for batch in uploaded(provisioned).values())
    assert abs(last / 1e6 - time.time()) < 60


def test_moved_recordings_keep_everything_but_their_time(recordings: list[Recording]) -> None:
    moved = shifted(recordings[0], 10**9)
    assert moved.table.drop_columns("timestamp").equals(
        recordings[0].table.drop_columns("timestamp")
    )
    assert (moved.microseconds - recordings[0].microseconds == 10**9).all()


def test_unreadable_files_are_named_and_the_exit_code_says_so(
    provisioned, wells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data" / "0"
    folder.mkdir(parents=True)
    (folder / "WELL-00001_20170201020207.parquet").write_bytes(b"not parquet")
    good = next((wells / "0").iterdir())
    (folder / good.name).symlink_to(good)
    assert main(["replay", str(tmp_path / "data"), "--speed", "max", "--json"]) == 3
    captured = capsys.readouterr()
    assert "WELL-00001_20170201020207.parquet: it can't be read as Parquet" in captured.err
    summary = json.loads(captured.out.splitlines()[-1])
    assert (summary["recordings"], summary["problems"]) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["replay", "nowhere"], "there is no folder nowhere"),
        (["replay", ".", "--now", "--loop", "--speed", "60"], "ahead of the clock"),
        (["replay", ".", "--batch-minutes", "2000"], "at most 1440"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_code_2(
    provisioned, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert reason in capsys.readouterr().err


def test_an_unreachable_aws_is_a_sentence_below_what_could_not_be_read(
    provisioned, wells: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "WELL-00001_20000101000000.parquet").write_bytes(b"no Parquet")
    for good in wells.rglob("*.parquet"):
        (tmp_path / "0" / good.name).symlink_to(good)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert main(["replay", str(tmp_path), "--speed", "max"]) == 1
    said = capsys.readouterr().err
    assert "WELL-00001_20000101000000.parquet: it can't be read as Parquet" in said
    assert "AWS can't be reached" in said.splitlines()[-1]


def test_a_replay_without_a_model_warns(
    provisioned, wells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(wells), "--speed", "max", "--limit", "1"]) == 0
    assert "no model is published yet" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "fast", "inf", "nan"])
def test_speeds_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Speed.parse(text)
