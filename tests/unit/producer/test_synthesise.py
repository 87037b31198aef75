"""Synthetic recordings: what the demo, the training tests and the benches rely on."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from petrostream.ingest.recordings import find_recordings, read_recordings
from petrostream.schema.labels import NORMAL, TRANSIENT_OFFSET
from petrostream.schema.sensors import BY_NAME, SENSOR_NAMES, Kind
from producer.__main__ import main
from producer.synthesis.defects import FOCAL_SENSORS
from producer.synthesis.faults import SIGNATURES, SLUGGING
from producer.synthesise import SyntheticRecording, synthesise, write

COMMISSIONING_ROWS = 900
PHYSICAL = {
    Kind.PRESSURE: (0.0, 60e6),
    Kind.TEMPERATURE: (0.0, 150.0),
    Kind.FLOW: (0.0, 4.0),
    Kind.OPENING: (0.0, 100.0),
    Kind.VALVE: (0.0, 1.0),
}


@pytest.fixture(scope="module")
def default_set() -> list[SyntheticRecording]:
    return list(synthesise())


@pytest.fixture(scope="module")
def many() -> list[SyntheticRecording]:
    """Every fault in every condition of a well at least once."""
    return list(synthesise(seed=3, wells=12, hours=3, recordings=4))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def sensor(recording: SyntheticRecording, name: str) -> np.ndarray:
    values: np.ndarray = recording.table.column(name).to_numpy().astype(float)
    return values


def usual(recording: SyntheticRecording, name: str) -> np.ndarray:
    """What a sensor read in the first 15 minutes."""
    return finite(sensor(recording, name)[:COMMISSIONING_ROWS])


def last_hour(recording: SyntheticRecording, name: str) -> np.ndarray:
    return finite(sensor(recording, name)[-3600:])


def finite(values: np.ndarray) -> np.ndarray:
    present: np.ndarray = values[np.isfinite(values)]
    return present


def is_alive(recording: SyntheticRecording, name: str) -> bool:
    """Whether a sensor is neither missing nor frozen, from beginning to end."""
    first, last = usual(recording, name), last_hour(recording, name)
    return len(first) > 0 and len(last) > 0 and np.ptp(first) > 0 and np.ptp(last) > 0


def is_frozen(values: np.ndarray) -> bool:
    return len(values) > 0 and bool(np.ptp(values) == 0)


def elapsed(recording: SyntheticRecording) -> np.ndarray:
    nanoseconds = recording.table.column("timestamp").cast(pa.int64()).to_numpy()
    seconds: np.ndarray = (nanoseconds - nanoseconds[0]) // 1_000_000_000
    return seconds


def labels(recording: SyntheticRecording) -> list[int | None]:
    values: list[int | None] = recording.table.column("class").to_pylist()
    return values


def call(folder: Path, *options: str) -> int:
    return main(["synthesise", "--into", str(folder), *options])


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(synthesise(seed=seed, wells=3, hours=1), tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_a_recording_does_not_depend_on_how_many_are_made() -> None:
    few = list(synthesise(seed=5, wells=3, hours=1, recordings=2))
    more = {one.recording: one for one in synthesise(seed=5, wells=9, hours=1, recordings=4)}
    assert all(more[one.recording].table.equals(one.table) for one in few)
    assert all(more[one.recording].known_faults == one.known_faults for one in few)


def test_wells_and_recordings_differ_from_each_other() -> None:
    made = list(synthesise(seed=5, wells=2, hours=1, recordings=2, faults=()))
    levels = [float(np.nanmedian(sensor(one, "P-TPT"))) for one in made]
    assert len(set(levels)) == 4
    assert abs(levels[0] - levels[1]) < abs(levels[0] - levels[2])


def test_names_follow_3w_and_never_clash_with_real_wells() -> None:
    made = list(synthesise(wells=2, hours=2, recordings=2, start=datetime(2024, 1, 1, 23)))
    assert [one.recording for one in made] == [
        "WELL-90001_20240101230000",
        "WELL-90001_20240102010000",
        "WELL-90002_20240101230000",
        "WELL-90002_20240102010000",
    ]


def test_columns_are_those_of_release_2(default_set: list[SyntheticRecording]) -> None:
    expected = {name: pa.float64() for name in SENSOR_NAMES if name != "T-JUS-CKGL"}
    expected |= {"timestamp": pa.timestamp("ns"), "class": pa.int16(), "state": pa.int16()}
    for recording in default_set:
        assert {field.name: field.type for field in recording.table.schema} == expected


def test_rows_are_a_second_apart_but_for_declared_gaps(many: list[SyntheticRecording]) -> None:
    for recording in many:
        missing = set(range(3 * 3600)) - set(elapsed(recording).tolist())
        declared = {
            second for gap in recording.gaps for second in range(gap.first_second, gap.end_second)
        }
        assert missing == declared
        assert np.all(np.diff(elapsed(recording)) > 0)
    assert any(recording.gaps for recording in many)


def test_labels_go_from_normal_over_the_transient_to_the_fault(
    many: list[SyntheticRecording],
) -> None:
    for recording in many:
        seen = [label for label in labels(recording) if label is not None]
        order = list(dict.fromkeys(seen))
        fault = recording.event_class
        if fault == NORMAL:
            assert order == [NORMAL]
        elif fault == SLUGGING:
            assert order == [NORMAL, SLUGGING]
        else:
            assert order == [NORMAL, TRANSIENT_OFFSET + fault, fault]
        assert seen == sorted(seen, key=order.index)


@pytest.mark.parametrize("hours", [1, 3])
def test_half_an_hour_is_normal_before_a_fault(hours: float) -> None:
    for recording in synthesise(seed=4, wells=36, hours=hours, faults=(6,)):
        assert labels(recording).count(NORMAL) >= 1800


def test_known_times_are_where_the_labels_turn(many: list[SyntheticRecording]) -> None:
    for recording in many:
        label_at = dict(zip(elapsed(recording).tolist(), labels(recording), strict=True))
        for fault in recording.known_faults:
            transient = TRANSIENT_OFFSET + fault.event_class
            begins_as = fault.event_class if fault.event_class == SLUGGING else transient
            assert label_at[fault.transient_second] == begins_as
            assert label_at[fault.transient_second - 1] is None
            assert label_at[fault.steady_second] == fault.event_class
            assert fault.end_second == 3 * 3600


def test_some_recordings_have_unlabelled_beginnings(many: list[SyntheticRecording]) -> None:
    assert 0 < sum(labels(recording)[0] is None for recording in many) < len(many)


def test_readings_are_physical(many: list[SyntheticRecording]) -> None:
    for recording in many:
        for name in set(recording.table.column_names) & set(BY_NAME):
            known = BY_NAME[name]
            low, high = PHYSICAL.get(known.kind, known.plausible)
            values = sensor(recording, name)
            assert np.all((values >= low) & (values <= high) | np.isnan(values)), name


def test_pressure_falls_from_the_reservoir_to_the_platform(
    many: list[SyntheticRecording],
) -> None:
    flow_path = ("P-PDG", "P-TPT", "P-MON-CKP", "P-JUS-CKP")
    for recording in many:
        alive = [
            np.median(usual(recording, name)) for name in flow_path if is_alive(recording, name)
        ]
        assert alive
        assert alive == sorted(alive, reverse=True)


def test_about_half_of_the_recordings_are_normal(many: list[SyntheticRecording]) -> None:
    assert sum(recording.event_class == NORMAL for recording in many) == len(many) / 2
    assert {recording.event_class for recording in many} == {NORMAL, *SIGNATURES}


def test_no_faults_and_chosen_faults() -> None:
    assert {one.event_class for one in synthesise(wells=6, hours=1, faults=())} == {0}
    assert {one.event_class for one in synthesise(wells=6, hours=1, faults=(8,))} == {0, 8}


@pytest.mark.parametrize("event_class", sorted(SIGNATURES))
def test_a_fault_moves_its_sensors_by_several_spreads(
    many: list[SyntheticRecording], event_class: int
) -> None:
    moved = [
        movement(recording, name)
        for recording in many
        if recording.event_class == event_class
        for name in ("P-TPT", "P-MON-CKP")
        if is_alive(recording, name)
    ]
    assert len(moved) >= 4
    assert min(moved) > 5


def test_normal_wells_move_far_less(many: list[SyntheticRecording]) -> None:
    moved = [
        movement(recording, name)
        for recording in many
        if recording.event_class == NORMAL
        for name in ("P-TPT", "P-MON-CKP")
        if is_alive(recording, name)
    ]
    assert float(np.median(moved)) < 4


def movement(recording: SyntheticRecording, name: str) -> float:
    """How far the last hour swings around the first 15 minutes, in their standard deviations."""
    before = usual(recording, name)
    off = np.abs(last_hour(recording, name) - np.median(before)) / np.std(before)
    return float(np.percentile(off, 75))


def test_dhsv_closure_raises_the_pressure_below_and_closes_the_valve(
    many: list[SyntheticRecording],
) -> None:
    closures = [recording for recording in many if recording.event_class == 2]
    downhole = [one for one in closures if is_alive(one, "P-PDG")]
    assert downhole
    assert any(len(usual(one, "ESTADO-DHSV")) for one in closures)
    for recording in downhole:
        assert np.median(last_hour(recording, "P-PDG")) > usual(recording, "P-PDG").max()
    for recording in closures:
        assert set(usual(recording, "ESTADO-DHSV")) <= {1.0}
        assert set(last_hour(recording, "ESTADO-DHSV")) <= {0.0}


def test_a_disturbance_reaches_the_tree_after_the_choke() -> None:
    made = synthesise(seed=2, wells=40, hours=6, faults=())
    agreement = np.mean(
        [trailing(one) for one in made if is_alive(one, "P-TPT") and is_alive(one, "P-MON-CKP")],
        axis=0,
    )
    assert 100 <= 10 * np.argmax(agreement) <= 200


def trailing(recording: SyntheticRecording) -> list[float]:
    """How well P-TPT agrees with P-MON-CKP of 0, 10, 20, … 390 seconds before."""
    choke, tree = (changes(recording, name) for name in ("P-MON-CKP", "P-TPT"))
    return [float(np.corrcoef(choke[: len(choke) - lag], tree[lag:])[0, 1]) for lag in range(40)]


def changes(recording: SyntheticRecording, name: str) -> np.ndarray:
    """How much a sensor changes in each 10 seconds; lost readings are bridged."""
    values = sensor(recording, name)
    present = np.flatnonzero(np.isfinite(values))
    times = elapsed(recording)
    bridged = np.interp(np.arange(0, times[-1], 10), times[present], values[present])
    return np.diff(bridged)


def test_the_default_set_is_a_good_demo(default_set: list[SyntheticRecording]) -> None:
    faults = [one.event_class for one in default_set if one.event_class != NORMAL]
    assert len(default_set) == 6
    assert len(set(faults)) == len(faults) == 4
    assert 80_000 < sum(one.table.num_rows for one in default_set) < 120_000


def test_the_default_set_has_the_defects_of_3w(default_set: list[SyntheticRecording]) -> None:
    columns = [(one, name) for one in default_set for name in FOCAL_SENSORS]
    assert any(one.table.column(name).null_count == one.table.num_rows for one, name in columns)
    assert any(is_frozen(usual(one, name)) for one, name in columns)
    assert any(
        is_frozen(last_hour(one, name)) and not is_frozen(usual(one, name)) for one, name in columns
    )
    assert any(
        all(is_incomplete(sensor(one, name)) for name in FOCAL_SENSORS) for one in default_set
    )


def is_incomplete(values: np.ndarray) -> bool:
    return bool(np.isnan(values).mean() > 0.02) or is_frozen(finite(values))


def test_our_own_reader_reads_what_is_written(tmp_path: Path) -> None:
    made = list(synthesise(wells=3, hours=1))
    write(made, tmp_path)
    files, problems = find_recordings(tmp_path)
    read = list(read_recordings(files, problems))
    assert problems == []
    assert [(one.well, one.recording, one.rows, one.notes) for one in read] == [
        (one.well, one.recording, one.table.num_rows, ()) for one in made
    ]
    assert [file.event_class for file in files] == [one.event_class for one in made]
    column = pq.ParquetFile(files[0].path).metadata.row_group(0).column(1)
    assert column.compression == "ZSTD"


def test_the_truth_file_names_every_recording(tmp_path: Path) -> None:
    made = list(synthesise(wells=3, hours=1))
    write(made, tmp_path)
    truth = json.loads((tmp_path / "faults.json").read_text(encoding="utf-8"))
    fault = made[1].known_faults[0]
    assert list(truth) == [one.recording for one in made]
    assert truth[made[1].recording] == [
        {
            "event_class": 2,
            "transient_second": fault.transient_second,
            "steady_second": fault.steady_second,
            "end_second": 3600,
        }
    ]


def test_another_run_replaces_the_first(tmp_path: Path) -> None:
    write(synthesise(wells=3, hours=1), tmp_path / "twice")
    write(synthesise(seed=1, wells=2, hours=1, faults=()), tmp_path / "twice")
    write(synthesise(seed=1, wells=2, hours=1, faults=()), tmp_path / "once")
    assert contents(tmp_path / "twice") == contents(tmp_path / "once")


def test_other_peoples_files_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = tmp_path / "0" / "WELL-00001_20170201010207.parquet"
    real.parent.mkdir()
    real.write_bytes(b"precious")
    assert call(tmp_path, "--wells", "1", "--hours", "1") == 2
    assert "holds 0/WELL-00001_20170201010207.parquet" in capsys.readouterr().err
    assert contents(tmp_path) == {"0/WELL-00001_20170201010207.parquet": b"precious"}


def test_the_command_writes_and_says_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--wells", "2", "--hours", "1", "--recordings", "2", "--faults", "6,2")
    assert call(tmp_path / "new", *options, "--start", "2025-03-01T12:00:00Z") == 0
    lines = capsys.readouterr().out.splitlines()
    made = list(synthesise(7, 2, 1, recordings=2, faults=(6, 2), start=datetime(2025, 3, 1, 12)))
    rows = sum(one.table.num_rows for one in made)
    begin = made[1].start + timedelta(seconds=made[1].known_faults[0].transient_second)
    assert lines[0] == f"4 recordings, {rows:,} rows in {tmp_path / 'new'}"
    assert lines[1] == "  WELL-90001_20250301120000  normal operation"
    assert lines[2].startswith(
        f"  WELL-90001_20250301130000  spurious closure of DHSV from {begin}"
    )
    assert len(lines) == 5
    assert len(list((tmp_path / "new").rglob("*.parquet"))) == 4


def test_none_makes_only_normal_recordings(tmp_path: Path) -> None:
    call(tmp_path, "--wells", "3", "--hours", "1", "--faults", "none")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["0"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--wells", "0"), "the number of wells is 0; choose 1 to 9999"),
        (("--recordings", "0"), "the number of recordings a well is 0; choose 1 to"),
        (("--hours", "0.5"), "a recording's length in hours is 0.5; choose 1 to"),
        (("--hours", "nan"), "--hours takes a number, not 'nan'"),
        (("--seed", "-1"), "the seed is -1; choose 0 to"),
        (("--faults", "2,4"), "faults of class 4 can't be made: choose from 1,2,3,5,6,8"),
        (("--faults", "two"), "--faults is 'two'; write classes"),
        (("--faults", ""), "--faults is ''; write classes"),
        (("--start", "yesterday"), "--start is 'yesterday'; write a time such as 2024-01-01"),
        (("--start", "1066-10-14"), "recordings can't start at 1066-10-14T00:00:00"),
    ],
)
def test_bad_options_are_explained(
    tmp_path: Path,
    options: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(tmp_path / "new", *options) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").touch()
    assert call(tmp_path / "taken", "--wells", "1", "--hours", "1") == 2
    assert "is a file: name a folder" in capsys.readouterr().err
