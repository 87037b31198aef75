"""Reading 3W files in all the shapes they come in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from petrostream.errors import UnreadableRecording, UsageError
from petrostream.ingest import recordings
from petrostream.ingest.recordings import (
    Recording,
    RecordingFile,
    find_recordings,
    read_recording,
    read_recordings,
)

START = pd.Timestamp("2017-02-01 02:02:07")


def frame(rows: int = 5, **columns: object) -> pd.DataFrame:
    index = pd.date_range(START, periods=rows, freq="s", name="timestamp")
    return pd.DataFrame({"P-PDG": np.arange(rows, dtype=float), **columns}, index=index)


def write(folder: Path, data: pd.DataFrame | pa.Table, name: str = "WELL-00001_20170201020207"):
    path = folder / "0" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(data if isinstance(data, pa.Table) else pa.Table.from_pandas(data), path)
    return path


def read(path: Path) -> Recording:
    return read_recording(RecordingFile(path, "WELL-00001", "r", 0))


def test_index_and_column_give_the_same(tmp_path: Path) -> None:
    as_index = read(write(tmp_path, frame()))
    as_column = read(write(tmp_path, frame().reset_index()))
    nameless = frame()
    nameless.index.name = None
    assert as_index.table.equals(as_column.table)
    assert as_index.table.equals(read(write(tmp_path, nameless)).table)
    assert as_index.table.schema.names == ["timestamp", "P-PDG"]


def test_csv_of_the_first_release(tmp_path: Path) -> None:
    path = tmp_path / "2" / "WELL-00012_20170320033022.csv"
    path.parent.mkdir()
    path.write_text(
        "timestamp,P-PDG,T-JUS-CKP,class\n"
        "2017-03-20 03:30:22,35200970.0,,0.0\n"
        "2017-03-20 03:30:23,inf,1.5,102.0\n"
        "2017-03-20 03:30:24,35200950.0,NaN,\n"
    )
    found = read(path)
    assert found.table.column("P-PDG").to_pylist() == [35200970.0, None, 35200950.0]
    assert found.table.column("T-JUS-CKP").to_pylist() == [None, 1.5, None]
    assert found.table.column("class").to_pylist() == [0, 102, None]
    assert found.table.column("timestamp")[0].as_py() == pd.Timestamp("2017-03-20 03:30:22")
    assert "1 infinite readings of P-PDG" in found.notes[0]


def test_nullable_labels_and_any_number_type(tmp_path: Path) -> None:
    data = frame(
        3,
        **{
            "class": pd.array([0, None, 101], dtype="Int16"),
            "state": [np.nan, 1.0, 2.0],
            "QGL": np.array([1, 2, 3], dtype="int32"),
        },
    )
    found = read(write(tmp_path, data)).table
    assert found.column("class").to_pylist() == [0, None, 101]
    assert found.column("state").to_pylist() == [None, 1, 2]
    assert found.column("QGL").to_pylist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
def test_zones_become_utc(tmp_path: Path, zone: str) -> None:
    local = frame().index.tz_localize(zone)
    stamps = pa.array(local.tz_convert(None)).cast(pa.timestamp("ns", zone))
    table = pa.table({"timestamp": stamps, "P-PDG": frame()["P-PDG"]})
    found = read(write(tmp_path, table)).table.column("timestamp")
    assert found.type == pa.timestamp("us")
    assert found[0].as_py() == START.tz_localize(zone).tz_convert("UTC").tz_localize(None)


def test_text_time_stamps_with_and_without_a_zone(tmp_path: Path) -> None:
    for text in ("2017-02-01T05:02:07", "2017-02-01T02:02:07-03:00", "2017-02-01 05:02:07Z"):
        table = pa.table({"timestamp": [text], "P-PDG": [1.0]})
        found = read(write(tmp_path, table)).table.column("timestamp")[0].as_py()
        assert found == pd.Timestamp("2017-02-01 05:02:07")


def test_unsorted_and_repeated_rows(tmp_path: Path) -> None:
    data = frame(6).iloc[[3, 1, 1, 0, 5, 2, 4]]
    data.iloc[2, 0] = 99.0
    found = read(write(tmp_path, data))
    assert found.table.column("P-PDG").to_pylist() == [0, 1, 2, 3, 4, 5]
    assert any("1 rows with a repeated time stamp" in note for note in found.notes)
    assert any("sorted" in note for note in found.notes)


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    found = read(write(tmp_path, frame(10).iloc[[0, 1, 8, 9]]))
    assert np.diff(found.microseconds).tolist() == [1_000_000, 7_000_000, 1_000_000]


def test_a_clock_that_is_set_back_loses_no_row(tmp_path: Path) -> None:
    data = frame(7300)
    stamps = data.index.to_numpy().copy()
    stamps[3650:] -= np.timedelta64(3600, "s")
    data.index = pd.DatetimeIndex(stamps, name="timestamp")
    found = read(write(tmp_path, data))
    assert found.rows == 7300
    assert (np.diff(found.microseconds) == 1_000_000).all()
    assert "set back an hour" in found.notes[0]


def test_rows_without_a_time_stamp_are_named(tmp_path: Path) -> None:
    stamps = [START, None, START + pd.Timedelta(seconds=1)]
    table = pa.table({"timestamp": pa.array(stamps, pa.timestamp("ns")), "P-PDG": [1.0, 2.0, 3.0]})
    found = read(write(tmp_path, table))
    assert found.rows == 2
    assert found.notes == ("1 rows without a time stamp dropped",)


def test_unknown_columns_are_left_out_and_named(tmp_path: Path) -> None:
    found = read(write(tmp_path, frame(2, surprise=[1, 2])))
    assert found.table.schema.names == ["timestamp", "P-PDG"]
    assert found.notes == ("unknown columns left out: surprise",)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"timestamp": [START], "depth": [1.0]}, "none of 3W's sensors"),
        ({"P-PDG": [1.0]}, "no column and no index 'timestamp'"),
        ({"timestamp": [17], "P-PDG": [1.0]}, "holds int64"),
        ({"timestamp": ["soon"], "P-PDG": [1.0]}, "can't be read"),
        ({"timestamp": [START], "P-PDG": ["high"]}, "P-PDG are not numbers"),
        ({"timestamp": [START], "P-PDG": [1.0], "class": [0.5]}, "whole numbers"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, table: dict[str, list[object]], reason: str
) -> None:
    with pytest.raises(UnreadableRecording, match=reason):
        read(write(tmp_path, pa.table(table)))


def test_empty_and_damaged_files_say_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match="no rows"):
        read(write(tmp_path, frame(0)))
    for name in ("WELL-00001_20170201020207.parquet", "WELL-00001_20170201020207.csv"):
        path = tmp_path / name
        path.write_bytes(b"")
        with pytest.raises(UnreadableRecording, match="can't be read as"):
            read(path)


def test_names_give_wells_recordings_and_classes(tmp_path: Path) -> None:
    for folder in ("0", "3", "9"):
        (tmp_path / folder).mkdir()
    for name in (
        "0/WELL-00001_20170201020207.parquet",
        "3/SIMULATED_00001.parquet",
        "9/SIMULATED_00001.parquet",
        "3/DRAWN_00002.csv",
    ):
        (tmp_path / name).touch()
    found, problems = find_recordings(tmp_path)
    assert not problems
    assert [(file.well, file.recording, file.event_class) for file in found] == [
        ("DRAWN-3-00002", "DRAWN-3-00002", 3),
        ("SIMULATED-3-00001", "SIMULATED-3-00001", 3),
        ("SIMULATED-9-00001", "SIMULATED-9-00001", 9),
        ("WELL-00001", "WELL-00001_20170201020207", 0),
    ]
    assert [file.well for file in find_recordings(tmp_path, classes=[9])[0]] == [
        "SIMULATED-9-00001"
    ]
    assert len(find_recordings(tmp_path, wells=["WELL-00001"])[0]) == 1


def test_bad_files_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    good = write(tmp_path, frame())
    write(tmp_path, frame(), "WELL-00002_20170201020207").write_bytes(b"PAR1 nonsense PAR1")
    write(tmp_path, frame(), "notes")
    (good.parent / "folds").mkdir()
    (good.parent / "folds" / "fold_1.csv").touch()  # part of the published dataset
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / f"{good.stem}.csv").touch()
    files, problems = find_recordings(tmp_path)
    read_ones = list(read_recordings(files, problems))
    assert [recording.recording for recording in read_ones] == [good.stem]
    reasons = {problem.path.name: problem.reason for problem in problems}
    assert set(reasons) == {
        "WELL-00002_20170201020207.parquet",
        "notes.parquet",
        f"{good.stem}.csv",
    }
    assert "none of 3W's" in reasons["notes.parquet"]
    assert "the same recording as" in reasons[f"{good.stem}.csv"]


def test_missing_empty_and_unmatched_folders_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        find_recordings(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no recording"):
        find_recordings(tmp_path)
    write(tmp_path, frame())
    with pytest.raises(UsageError, match="it has the wells WELL-00001 and the classes 0"):
        find_recordings(tmp_path, wells=["WELL-7"])


def test_every_real_file_is_read_without_losing_a_row(real_data: Path) -> None:
    for release in ("3w-v2", "3w-v1-csv"):
        files, problems = find_recordings(real_data / release)
        for recording in read_recordings(files, problems):
            assert (np.diff(recording.microseconds) > 0).all()
            file = next(f.path for f in files if f.recording == recording.recording)
            if file.suffix == ".parquet":
                assert recording.rows == pq.read_metadata(file).num_rows
        assert not problems


CONVERTED = (
    "2/WELL-00011_20140929170028",
    "2/WELL-00012_20170320033022",
    "6/WELL-00002_20140301151700",
)


@pytest.mark.parametrize("name", CONVERTED)
def test_the_csv_that_3w_published_gives_the_table_of_its_parquet_conversion(
    real_data: Path, name: str
) -> None:
    converted = read(real_data / "3w-v1" / f"{name}.parquet")
    published = read(real_data / "3w-v1-csv" / f"{name}.csv")
    assert published.table.equals(converted.table)


@pytest.mark.parametrize("name", CONVERTED)
def test_so_does_the_spelling_that_3w_s_repository_has(
    real_data: Path, tmp_path: Path, name: str
) -> None:
    """`2017-03-20 03:30:22.000000,3.520097e+07,…,0`: seven digits, microseconds, whole labels."""
    converted = read(real_data / "3w-v1" / f"{name}.parquet")
    table = converted.table.to_pandas().astype({"class": "Int64"})
    (tmp_path / name[0]).mkdir()
    spelt = tmp_path / f"{name}.csv"
    table.to_csv(spelt, index=False, float_format="%.6e", date_format="%Y-%m-%d %H:%M:%S.%f")
    assert "e+0" in spelt.read_text().splitlines()[1]
    assert read(spelt).table.equals(converted.table)


def test_an_unsorted_file_is_not_taken_for_a_clock_set_back(tmp_path: Path) -> None:
    data = frame(3601)
    found = read(write(tmp_path, pd.concat([data[1801:], data[:1801]])))
    assert found.table.column("P-PDG").to_pylist() == list(range(3601))
    assert found.notes == ("rows sorted by time",)


@pytest.mark.parametrize(
    ("stamp", "unit"), [(-11_670_000_000, "s"), (253_000_000_000, "s"), (2**62, "ms"), (-1, "us")]
)
def test_time_stamps_that_cannot_be_are_named(tmp_path: Path, stamp: int, unit: str) -> None:
    table = pa.table({"timestamp": pa.array([stamp], pa.timestamp(unit)), "P-PDG": [1.0]})
    with pytest.raises(UnreadableRecording, match=r"before 1970|can't be read"):
        read(write(tmp_path, table))


def test_readings_that_cannot_be_are_missing(tmp_path: Path) -> None:
    found = read(write(tmp_path, frame(3, QGL=[1e308, -1e200, 2.0])))
    assert found.table.column("QGL").to_pylist() == [None, None, 2.0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"timestamp,P-PDG,P-PDG\n2017-01-01 00:00:00,1,2\n", "more than one column P-PDG"),
        (b"timestamp,P-PDG\xff\n2017-01-01 00:00:00,1\n", "can't be read as CSV|none of 3W"),
    ],
)
def test_odd_csv_headers_say_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "WELL-00001_20170201020207.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableRecording, match=reason):
        read(path)


def test_a_nested_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    table = pa.table({"timestamp": pa.array([0], pa.timestamp("us")), "P-PDG": [1.0]})
    nested = pa.array([1.0])
    for _ in range(20):
        nested = pa.StructArray.from_arrays([nested], ["a"])
    path = tmp_path / "WELL-00001_20170201020207.parquet"
    pq.write_table(table.append_column("deep", nested), path)
    with pytest.raises(UnreadableRecording, match=r"can't be read as Parquet: .*nested"):
        read(path)


def test_a_recording_over_the_bounds_is_refused_in_a_sentence(tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path, frame(200))
    assert read(path).table.num_rows == 200
    for name, value, fault in (
        ("_MOST_ROWS", 100, "at most 100 rows"),
        ("_MOST_UNPACKED_BYTES", 100, "100 bytes are read"),
        ("_MOST_BYTES", 100, "at most 100 are read"),
        ("_MOST_PAGES", 1, "more than 1 pages"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(recordings, name, value)
            with pytest.raises(UnreadableRecording, match=fault):
                read(path)
