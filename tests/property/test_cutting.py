"""Invariants 2 and 3: cutting leaves no trace, and no reading is lost."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petrostream.alarms import events
from petrostream.detection import profiles
from petrostream.ingest.batches import cut, decode, encode
from petrostream.ingest.recordings import Recording, RecordingFile, read_recording
from petrostream.registry.model_files import Model
from petrostream.schema.columns import (
    ALARM,
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    DEGRADED_SENSORS,
    DRIVERS,
    LIMITS,
    RECORDING,
    STATUS,
    TIMESTAMP,
    TIMESTAMP_TYPE,
    TOP_SENSOR,
)
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring.score_batch import score_batch

RESULTS = (
    STATUS,
    ANOMALY_SCORE,
    ANOMALY_FLAG,
    ALARM,
    TOP_SENSOR,
    DRIVERS,
    LIMITS,
    DEGRADED_SENSORS,
)


def scored_in_batches(
    recording: Recording, model: Model, batch_seconds: int
) -> tuple[pa.Table, list[events.Event]]:
    """Score a recording batch by batch, as the Lambda does, through the batches' bytes."""
    tables, runs, profile = [], [], None
    for batch in cut(recording, batch_seconds=batch_seconds):
        received = decode(encode(batch), batch.id)
        profile = profile or profiles.learn(received)
        scored = score_batch(received, profile, model)
        tables.append(scored.table)
        runs += scored.runs
    gap = model.detector.settings.merge_gap_seconds
    joined = events.join(runs, gap)
    assert sum(run.opens for run in runs) == len(joined), "an event must open exactly once"
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks(), joined


def assert_same_results(
    recording: Recording, model: Model, batch_seconds: Iterable[int], whole: int = 10**7
) -> None:
    expected, expected_events = scored_in_batches(recording, model, whole)
    assert expected.num_rows == recording.rows
    for seconds in batch_seconds:
        found, found_events = scored_in_batches(recording, model, seconds)
        assert found.column(TIMESTAMP).equals(expected.column(TIMESTAMP))
        for name in RESULTS:
            assert found.column(name).to_pylist() == expected.column(name).to_pylist(), (
                f"{name} differs when {recording.recording} is cut every {seconds} s"
            )
        assert found_events == expected_events


@pytest.mark.parametrize("minutes", [1, 7, 10, 60])
def test_made_up_wells_score_the_same_however_they_are_cut(
    recordings: list[Recording], model: Model, minutes: int
) -> None:
    for recording in recordings:
        assert_same_results(recording, model, [60 * minutes])


@pytest.mark.parametrize(
    ("path", "event_class"),
    [
        ("3w-v1/2/WELL-00011_20140929170028.parquet", 2),
        ("3w-v1/0/WELL-00002_20170218210134.parquet", 0),  # gaps, and the clock set back
        ("3w-v1/5/WELL-00015_20170620160349.parquet", 5),
        ("3w-v2/4/WELL-00001_20170316110203.parquet", 4),
        ("3w-v1-csv/6/WELL-00002_20140301151700.csv", 6),
    ],
)
def test_real_wells_score_the_same_however_they_are_cut(
    real_data: Path, model: Model, path: str, event_class: int
) -> None:
    file = RecordingFile(real_data / path, "WELL", "recording", event_class)
    assert_same_results(read_recording(file), model, [60, 420, 600, 3600])


@st.composite
def nasty_recordings(draw: st.DrawFn) -> Recording:
    """Short recordings with gaps, holes, frozen stretches, jumps and odd time stamps."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    rows = draw(st.integers(1, 3000))
    steps = random.choice([1, 1, 1, 1, 2, 5], rows).astype(np.int64)
    for _ in range(draw(st.integers(0, 3))):
        steps[random.integers(rows)] += draw(st.sampled_from([30, 200, 700, 4000]))
    fraction = draw(st.sampled_from([0, 0, 250_000]))
    micros = np.cumsum(steps) * 1_000_000 + 1_500_000_000_000_000 + fraction
    columns = {TIMESTAMP: pa.array(micros).cast(TIMESTAMP_TYPE)}
    for name in draw(st.lists(st.sampled_from(SENSOR_NAMES), min_size=1, max_size=4, unique=True)):
        values = 1e7 + 1e4 * random.standard_normal(rows)
        for _ in range(draw(st.integers(0, 3))):
            begin, length = random.integers(rows), random.integers(1, 1500)
            stretch = slice(begin, begin + length)
            values[stretch] = draw(
                st.sampled_from([np.nan, 0.0, 1e7, 9e99, -9e99, np.inf, 2e7, 1e-300])
            )
        columns[name] = pa.array(values, mask=~np.isfinite(values))
    return Recording("WELL-1", f"WELL-1_{seed}", pa.table(columns))


@given(recording=nasty_recordings(), batch_seconds=st.integers(30, 4000))
@settings(max_examples=60)
def test_any_cut_of_any_recording_scores_the_same(
    model: Model, recording: Recording, batch_seconds: int
) -> None:
    assert_same_results(recording, model, [batch_seconds])


@given(recording=nasty_recordings(), batch_seconds=st.integers(60, 4000))
@settings(max_examples=40)
def test_no_reading_is_lost_and_none_silently_unscored(
    model: Model, recording: Recording, batch_seconds: int
) -> None:
    found, _ = scored_in_batches(recording, model, batch_seconds)
    assert found.column(RECORDING).unique().to_pylist() == [recording.recording]
    for name in recording.table.schema.names:
        assert found.column(name).to_pylist() == recording.table.column(name).to_pylist()
    status = np.array(found.column(STATUS).to_pylist())
    score = found.column(ANOMALY_SCORE).to_numpy(zero_copy_only=False)
    assert set(status) <= {"commissioning", "scored", "unscorable"}
    assert np.isfinite(score[status == "scored"]).all()
    assert np.isnan(score[status != "scored"]).all()
    flag = np.array(found.column(ANOMALY_FLAG).to_pylist())
    assert ((flag == 1) == (np.nan_to_num(score) >= 1)).all()


@given(seed=st.integers(0, 2**32 - 1), offset=st.sampled_from([-3e6, 2.0**20, 5e6]))
@settings(max_examples=15)
def test_a_constant_offset_from_the_start_changes_nothing(
    model: Model, seed: int, offset: float
) -> None:
    random = np.random.default_rng(seed)
    micros = np.arange(3000, dtype=np.int64) * 1_000_000
    values = np.round(1e7 + 1e4 * random.standard_normal(3000))
    scores = []
    for readings in (values, values + offset):
        table = pa.table({TIMESTAMP: pa.array(micros).cast(TIMESTAMP_TYPE), "P-PDG": readings})
        found, _ = scored_in_batches(Recording("WELL-1", "WELL-1_1", table), model, 600)
        scores.append(found.column(ANOMALY_SCORE).to_numpy(zero_copy_only=False))
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-9)
