"""One name, one recording: whoever comes later goes on with the same batches, or is refused."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from botocore.client import BaseClient

from petrostream.aws.buckets import Bucket
from petrostream.ingest.batches import decode
from petrostream.ingest.recordings import find_recordings
from petrostream.schema.keys import CLAIMS, READINGS, parse_batch_key
from petrostream.settings import PROJECT_ROOT
from producer.__main__ import main
from producer.progress import Progress
from producer.replay import Replay
from producer.schedule import Schedule
from producer.speed import Speed
from producer.upload import Uploader

WELL = "WELL-90001"
MAX = Speed(float("inf"))


@pytest.fixture
def recording(wells: Path, tmp_path: Path) -> Path:
    """The file of one recording, to be changed."""
    [file] = find_recordings(wells, wells=[WELL])[0]
    copy = tmp_path / "data" / file.path.parent.name / file.path.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(file.path.read_bytes())
    return copy


def replay(path: Path, *options: str) -> int:
    return main(["replay", str(path), "--speed=max", *options])


def times_uploaded(provisioned: Any) -> np.ndarray:
    """Time stamps of all readings that were added, each as often as it stands there."""
    objects = provisioned.objects(provisioned.settings.raw_bucket, READINGS)
    batches = [decode(body, parse_batch_key(key)) for key, body in objects.items()]
    return np.sort(np.concatenate([batch.microseconds[batch.lookback_rows :] for batch in batches]))


def change_a_reading(path: Path) -> None:
    table = pq.read_table(path)
    position = table.schema.get_field_index("P-PDG")
    values = table.column("P-PDG").to_pylist()
    values[-1] = (values[-1] or 0.0) + 1.0
    column = pa.array(values, table.schema.field("P-PDG").type)
    pq.write_table(table.set_column(position, table.schema.field("P-PDG"), column), path)


def as_an_older_release_left_it(provisioned: Any) -> None:
    for key in list(provisioned.raw.keys(CLAIMS)):
        provisioned.raw.delete(key)


@pytest.mark.parametrize("claimed", [True, False], ids=["claimed", "by an older release"])
def test_other_values_under_the_same_name_are_refused(
    provisioned: Any, recording: Path, capsys: pytest.CaptureFixture[str], claimed: bool
) -> None:
    assert replay(recording) == 0
    if not claimed:
        as_an_older_release_left_it(provisioned)
    before = provisioned.objects(provisioned.settings.raw_bucket)
    change_a_reading(recording)
    capsys.readouterr()
    assert replay(recording, "--json") == 3
    said = capsys.readouterr()
    assert f"refused: {recording.stem}: " in said.err
    assert ("with other values" if claimed else "of other readings") in said.err
    assert "give the file another name" in said.err
    facts = json.loads(said.out)
    assert (facts["refused"], facts["problems"], facts["batches"]) == (1, 0, 0)
    assert provisioned.objects(provisioned.settings.raw_bucket) == before


@pytest.mark.parametrize("claimed", [True, False], ids=["claimed", "by an older release"])
def test_another_length_of_batches_is_refused(
    provisioned: Any, recording: Path, capsys: pytest.CaptureFixture[str], claimed: bool
) -> None:
    assert replay(recording, "--batch-minutes=7") == 0
    if not claimed:
        as_an_older_release_left_it(provisioned)
    before = provisioned.objects(provisioned.settings.raw_bucket)
    assert replay(recording) == 3
    said = capsys.readouterr().err
    assert ("batches of 7 min, not 10 min" if claimed else "cut into other batches") in said
    assert ("take --batch-minutes 7, or" in said) == claimed
    assert provisioned.objects(provisioned.settings.raw_bucket) == before
    assert replay(recording, "--batch-minutes=7") == 0


def test_the_others_are_uploaded_beside_a_refused_one(
    provisioned: Any, recording: Path, wells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_a_reading(recording)
    assert replay(recording) == 0
    assert replay(wells, "--json") == 3
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (facts["recordings"], facts["refused"]) == (5, 1)


@pytest.mark.parametrize("claimed", [True, False], ids=["claimed", "by an older release"])
def test_the_same_readings_from_another_file_go_on(
    provisioned: Any, recording: Path, capsys: pytest.CaptureFixture[str], claimed: bool
) -> None:
    assert replay(recording) == 0
    if not claimed:
        as_an_older_release_left_it(provisioned)
    expected = times_uploaded(provisioned)
    [*_, last] = provisioned.raw.keys(READINGS)
    provisioned.raw.delete(last)
    table = pq.read_table(recording)
    recording.unlink()
    pa_csv.write_csv(table, recording.with_suffix(".csv"))
    capsys.readouterr()
    assert replay(recording.with_suffix(".csv"), "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["batches_already_there"] == facts["batches"] - 1
    assert (times_uploaded(provisioned) == expected).all()
    assert len(list(provisioned.raw.keys(CLAIMS))) == 1


def test_a_claim_without_a_batch_is_gone_on_with(provisioned: Any, recording: Path) -> None:
    assert replay(recording) == 0
    keys = list(provisioned.raw.keys(READINGS))
    for key in keys:
        provisioned.raw.delete(key)
    assert replay(recording) == 0
    assert list(provisioned.raw.keys(READINGS)) == keys


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"{}", "well is missing"),
        (b'{"well": 90001}', "well is 90001, not a text"),
        (b"no JSON", "it is no JSON"),
        (b'{"format": 99}', "it has format 99"),
    ],
)
def test_what_is_no_claim_refuses_in_a_sentence(
    provisioned: Any, recording: Path, capsys: pytest.CaptureFixture[str], body: bytes, fault: str
) -> None:
    key = f"{CLAIMS}well={WELL}/{recording.stem}.json"
    provisioned.raw.put(key, body, "application/json")
    assert replay(recording) == 3
    sentence = f"refused: {recording.stem}: {key}: the claim of a recording can't be read: {fault}"
    assert sentence in capsys.readouterr().err
    assert provisioned.raw.get(key, at_most=100).body == body
    assert not list(provisioned.raw.keys(READINGS))


def test_what_an_older_release_left_broken_is_refused(
    provisioned: Any, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(recording) == 0
    as_an_older_release_left_it(provisioned)
    [first, *_] = provisioned.raw.keys(READINGS)
    provisioned.raw.put(first, b"no Parquet", "application/vnd.apache.parquet")
    assert replay(recording) == 3
    assert f"of other readings: {first} differs" in capsys.readouterr().err


def test_batches_of_equal_rows_are_the_same_whatever_their_bytes(
    provisioned: Any, recording: Path
) -> None:
    assert replay(recording) == 0
    as_an_older_release_left_it(provisioned)
    [first, *_] = provisioned.raw.keys(READINGS)
    table = pq.read_table(pa.BufferReader(provisioned.raw.get(first, at_most=2**26).body))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=9, use_dictionary=False)
    provisioned.raw.put(first, sink.getvalue().to_pybytes(), "application/vnd.apache.parquet")
    assert replay(recording) == 0
    assert len(list(provisioned.raw.keys(CLAIMS))) == 1


def test_no_message_tells_the_function_of_a_claim(provisioned: Any, recording: Path) -> None:
    assert replay(recording) == 0
    sent = provisioned.clients.sqs.get_queue_attributes(
        QueueUrl=provisioned.settings.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]["ApproximateNumberOfMessages"]
    assert int(sent) == len(list(provisioned.raw.keys(READINGS))) + 1  # and S3's test event


def test_a_claim_costs_a_request_a_recording(
    provisioned: Any, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str]] = []
    original: Callable[..., Any] = BaseClient._make_api_call

    def count(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        made.append((operation, parameters.get("Key", "")))
        return original(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    claims = []
    for _ in range(2):
        made.clear()
        assert replay(wells) == 0
        claims.append(Counter(name for name, key in made if key.startswith(CLAIMS)))
    assert claims == [{"PutObject": 6 + 1}, {"GetObject": 6}]  # once, the store is put to the test
    assert "HeadObject" not in {name for name, _ in made}


class Keeper(threading.Thread):
    """A producer in a thread; it begins with the others."""

    def __init__(self, bucket: str, folder: Path, minutes: int, start: threading.Barrier) -> None:
        super().__init__(daemon=True)
        schedule = Schedule(60 * minutes, 900, 2700)
        self.replay = Replay(find_recordings(folder)[0], schedule, MAX)
        self.bucket, self.begin = bucket, start

    def run(self) -> None:
        uploader = Uploader(Bucket(self.bucket), 2)
        with Progress("replaying", None) as progress:
            self.begin.wait()
            self.replay.run(uploader, progress)


@pytest.mark.parametrize("lengths", [(10, 7), (10, 10), (5, 20, 30)])
def test_producers_at_once_upload_each_reading_once(
    provisioned: Any, wells: Path, recordings: list[Any], lengths: tuple[int, ...]
) -> None:
    begin = threading.Barrier(len(lengths))
    bucket = provisioned.settings.raw_bucket
    producers = [Keeper(bucket, wells, minutes, begin) for minutes in lengths]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    expected = np.sort(np.concatenate([recording.microseconds for recording in recordings]))
    uploaded = times_uploaded(provisioned)
    assert len(uploaded) == len(expected)
    assert (uploaded == expected).all()
    kept = Counter(
        name.recording
        for producer in producers
        for name in recordings
        if name.recording not in producer.replay.refused
    )
    rivals = len(set(lengths)) == len(lengths)
    assert set(kept) == {recording.recording for recording in recordings}
    assert set(kept.values()) == ({1} if rivals else {len(lengths)})


def test_processes_at_once_upload_each_reading_once(
    provisioned: Any, recording: Path, wells: Path
) -> None:
    other = recording.parent.parent.parent / "other" / recording.parent.name / recording.name
    other.parent.mkdir(parents=True)
    other.write_bytes(recording.read_bytes())
    change_a_reading(other)
    commands = [
        [sys.executable, "-m", "producer", "replay", str(path), "--speed=max", *options]
        for path, options in [(recording, []), (recording, ["--batch-minutes=7"]), (other, [])]
    ]
    running = [
        subprocess.Popen(
            command, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    said = [process.communicate()[1] for process in running]
    codes = [process.returncode for process in running]
    assert sorted(codes) == [0, 3, 3], said
    assert all(
        "claimed the name for" in text for text, code in zip(said, codes, strict=True) if code
    )
    times = times_uploaded(provisioned)
    assert len(np.unique(times)) == len(times) == pq.read_metadata(recording).num_rows
