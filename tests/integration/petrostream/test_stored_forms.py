"""What an older PetroStream stored is read as it was meant, also when the list of sensors grew.

The old objects are those of `tests/fixtures/stored`. The list grows in a process of its own, which
reads the old objects, scores new ones beside them, and tells what every reader gives.
"""

import base64
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dashboard.curated.bucket import Curated
from petrostream.alarms.notify import Alerts
from petrostream.registry.model_files import Pointer
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import SCORED, SUMMARIES, parse_batch_key
from petrostream.schema.sensors import FIRST_SENSORS, SENSOR_NAMES
from petrostream.schema.sql_columns import scored_columns
from petrostream.scoring.pipeline import Disposition, Pipeline, RawObject
from petrostream.settings import PROJECT_ROOT
from tests.fixtures.stored.expected import drifted, files, stored, what_readers_give
from tests.fixtures.stored.grow import NEW

FOLDER = PROJECT_ROOT / "tests" / "fixtures" / "stored"
OLD_RECORDING, NEW_RECORDING = "WELL-90005_20240101000000", "WELL-90005_20240201000000"
ROWS = {OLD_RECORDING: 660, NEW_RECORDING: 300}
ABSENT = 15
FIGURES_TEXT = 196
"""So long is the text of a summary's figures in its key, without a sensor that joined later."""
GROW = "from tests.fixtures.stored.grow import grow; grow({}); "
GROWN = GROW + "from tests.fixtures.stored.grown import main; main()"


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What the readers of that day gave."""
    return json.loads((FOLDER / "expected.json").read_text())


@pytest.fixture
def old(provisioned):
    """The buckets with what the older version stored, and its model current."""
    for bucket, place in (
        ("raw", provisioned.raw),
        ("curated", provisioned.curated),
        ("models", provisioned.models),
    ):
        for path in stored(FOLDER / bucket):
            key = path.relative_to(FOLDER / bucket).as_posix()
            place.put(key, path.read_bytes(), "application/octet-stream")
    provisioned.registry.move(Pointer.from_json((FOLDER / "pointer.json").read_text()))
    return provisioned


@pytest.fixture(scope="module")
def kept() -> dict[int, dict[str, Any]]:
    """What the process with the longer list told, once a test has asked for it."""
    return {}


@pytest.fixture(params=[1, 3], ids=["one sensor more", "three sensors more"])
def grown(request, kept: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """What every reader gives with a longer list of sensors, of old and new objects."""
    if request.param not in kept:
        request.getfixturevalue("old")
        told = subprocess.run(
            [sys.executable, "-c", GROWN.format(request.param)],
            check=True,
            cwd=PROJECT_ROOT,
            env=os.environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        kept[request.param] = json.loads(told.stdout)
    return kept[request.param]


def without_readings(found: dict[str, Any], later: Iterable[str]) -> dict[str, Any]:
    """What readers give of old objects, less the sensors that joined later: none has readings."""
    for summary in found["summaries"].values():
        figures = summary["figures"]
        for by_sensor, absent in (("sensors", ABSENT), ("missing", 1.0), ("last", "")):
            assert {figures[by_sensor].pop(name) for name in later} <= {absent}
    return found


def without_later_figures(key: str) -> str:
    """A summary's key as it was in format 1, before sensors joined, which made it longer."""
    folder, _slash, text = key.rpartition("/")
    if not key.startswith(SUMMARIES):
        return key
    record = base64.urlsafe_b64decode(text[:FIGURES_TEXT])
    return f"{folder}/{base64.urlsafe_b64encode(bytes([1]) + record[1:]).decode()}"


def as_of_that_day(key: str, body: bytes) -> bytes:
    """A document in format 1."""
    if not key.startswith(SUMMARIES):
        return body
    return body.replace(b'"format":2', b'"format":1', 1)


def test_the_order_of_that_day_still_stands_first() -> None:
    """Whoever inserts a sensor or a column, instead of adding it behind all others, fails here."""
    names = json.loads((FOLDER / "sensors.json").read_text())
    columns = json.loads((FOLDER / "columns.json").read_text())
    assert len(names) == FIRST_SENSORS
    assert list(SENSOR_NAMES[: len(names)]) == names
    assert scored_columns()[: len(columns)] == columns
    body = next(iter(files(FOLDER, "scored"))).read_bytes()
    assert len(pq.read_schema(pa.BufferReader(body)).names) == len(columns)


def test_what_was_stored_is_read_as_it_was_read_that_day(old, expected: dict[str, Any]) -> None:
    found = {**what_readers_give(FOLDER), "drift": drifted(old.curated, old.registry)}
    told = json.loads(json.dumps(found))
    assert without_readings(told, SENSOR_NAMES[FIRST_SENSORS:]) == expected


def test_scoring_the_same_batches_again_leaves_the_bytes_of_that_day(old) -> None:
    """But for the format, which is 2 since time stamps are stored to the millisecond."""
    alerts = Alerts(old.curated, old.settings.topic_arn, old.clients.sns)
    pipeline = Pipeline(old.raw, old.curated, CurrentModel(old.registry), alerts)
    before = old.objects(old.curated.name)
    for key in (key for key in before if key.startswith(("profiles/", "events/", "summaries/"))):
        if not key.endswith(".recommissioned.json"):
            old.curated.delete(key)
    for key in list(old.raw.keys("")):
        assert pipeline.process(RawObject(key)).disposition is Disposition.SCORED
    after = old.objects(old.curated.name)
    again = {key: body for key, body in after.items() if not key.startswith(SCORED)}
    earlier = {without_later_figures(key): body for key, body in before.items()}
    for key, body in again.items():
        assert earlier[without_later_figures(key)] == as_of_that_day(key, body)
    assert sum(key.startswith("summaries/") for key in again) == 2
    assert sum(key.startswith("events/") for key in again) == 1
    for key in old.raw.keys(""):
        scored = parse_batch_key(key).scored
        now, then = (
            pq.ParquetFile(pa.BufferReader(each[scored])).read() for each in (after, before)
        )
        assert pc.all(pc.equal(now["microseconds"], 0)).as_py()
        times = now["timestamp"].cast(pa.timestamp("us"))
        assert now.set_column(0, then.schema.field(0), times).select(then.column_names).equals(then)
        facts, said = (json.loads(each.schema.metadata[b"petrostream"]) for each in (now, then))
        assert facts == said | {"format": 2}


def test_old_objects_give_what_they_gave(grown: dict[str, Any], expected: dict[str, Any]) -> None:
    found = without_readings(grown["old"], grown["later"])
    assert {**found, "drift": grown["drift before"]} == expected


def test_old_and_new_summaries_are_listed_side_by_side(
    grown: dict[str, Any], expected: dict[str, Any]
) -> None:
    by_key = {each["key"]: each for each in grown["snapshot"]}
    old_keys = {
        each.relative_to(FOLDER / "curated").as_posix() for each in files(FOLDER, "summaries")
    }
    assert {key for key, each in by_key.items() if each["recording"] == OLD_RECORDING} == old_keys
    assert sum(each["rows"] for each in by_key.values()) == sum(ROWS.values())
    for key, each in by_key.items():
        later = [each["sensors"].pop(name) for name in grown["later"]]
        if each["recording"] == OLD_RECORDING:
            then = expected["summaries"][key.split("/")[2]]["figures"]
            assert each["sensors"] == then["sensors"]
            assert (each["anomalies"], each["top_sensor"]) == (
                then["anomalies"],
                then["top_sensor"],
            )
            assert set(later) == {ABSENT}
        else:
            assert ABSENT not in later
            assert len(key.rpartition("/")[2]) > len("x" * 196 + ".json")
    assert all("P-NEW" not in each for each in grown["bodies"][:5])
    assert all({*grown["later"], "P-TPT"} <= {*each} for each in grown["bodies"][5:])


def test_the_pages_read_rows_of_both(grown: dict[str, Any], expected: dict[str, Any]) -> None:
    then = [each["columns"] for each in expected["scored"].values()]
    for name, recordings in (
        ("old", [OLD_RECORDING]),
        ("new", [NEW_RECORDING]),
        ("both", [OLD_RECORDING, NEW_RECORDING]),
    ):
        found = grown["rows"][name]
        assert found["rows"] == sum(ROWS[each] for each in recordings)
        assert ("P-NEW" in found["sensors"]) == (NEW_RECORDING in recordings)
    for sensor in ("P-PDG", "P-TPT", "T-PDG", "P-ANULAR"):
        assert grown["rows"]["old"]["counts"][sensor] == sum(
            each[sensor]["values"] for each in then
        )
        total = math.fsum(each[sensor]["sum"] for each in then)
        assert grown["rows"]["old"]["sums"][sensor] == pytest.approx(total)
    new, both = grown["rows"]["new"], grown["rows"]["both"]
    rise = new["sums"]["P-NEW"] - new["sums"]["P-TPT"]
    assert rise == pytest.approx(1e5 * new["counts"]["P-TPT"])
    for sensor in grown["later"]:
        assert both["counts"][sensor] == new["counts"][sensor] > 0
    assert grown["rows"]["one after the other"] == [660, 960, both["sensors"]]


def test_sql_in_this_process_reads_both_in_one_query(
    grown: dict[str, Any], expected: dict[str, Any]
) -> None:
    old, new = grown["sql"]["answer"]
    assert (old["recording"], old["n"], new["recording"], new["n"]) == (
        *(OLD_RECORDING, 660),
        *(NEW_RECORDING, 300),
    )
    then = [each["columns"] for each in expected["scored"].values()]
    assert old["alarms"] == sum(each["alarm"]["sum"] for each in then)
    for name, column in (("p_tpt", "P-TPT"), ("anomaly_score", "anomaly_score")):
        assert old[f"n_{name}"] == sum(each[column]["values"] for each in then)
        assert old[name] == pytest.approx(math.fsum(each[column]["sum"] for each in then))
    assert (old["p_new"], old["n_p_new"]) == (None, 0)
    assert new["p_new"] - new["p_tpt"] == pytest.approx(1e5 * new["n_p_tpt"])
    names = [name.lower().replace("-", "_") for name in grown["later"]]
    assert grown["sql"]["columns"][-2 - len(names) :] == [*names, "date", "well"]
    assert grown["sql"]["day"] == [{"well": "WELL-90005", "date": "2024-02-01", "n": 300}]


def test_columns_by_position_are_what_their_names_say(
    grown: dict[str, Any], expected: dict[str, Any]
) -> None:
    """As Athena reads them, with the columns that Terraform would make of the longer list."""
    names = [name.lower().replace("-", "_") for name in grown["later"]]
    assert len(grown["by position"]) == 7
    for key, found in grown["by position"].items():
        if OLD_RECORDING in key:
            then = expected["scored"][Path(key).name]["columns"]
            as_named = {name.lower().replace("-", "_"): value for name, value in then.items()}
            assert found == as_named | dict.fromkeys(["microseconds", *names])
        else:
            assert found["recording"]["texts"] == {NEW_RECORDING: found["recording"]["values"]}
            assert set(found["status"]["texts"]) <= {"commissioning", "scored", "unscorable"}
            rise = found["p_new"]["sum"] - found["p_tpt"]["sum"]
            assert rise == pytest.approx(1e5 * found["p_tpt"]["values"])


def test_a_kept_listing_of_another_list_of_sensors_is_listed_anew(grown: dict[str, Any]) -> None:
    assert grown["shelf"] == {"older": False, "mine": True}


def test_an_old_model_and_an_old_profile_score_on(
    grown: dict[str, Any], expected: dict[str, Any]
) -> None:
    """The new sensor has no profile yet: the others score as they did, to the last bit."""
    without, beside, live = (grown["scores"][name] for name in ("without", "with", "live"))
    then = expected["scored"][f"{OLD_RECORDING}-20240101T004500.parquet"]["columns"]
    later = {name: without.pop(name) for name in grown["later"]}
    assert all(each == {"values": 0, "sum": 0.0} for each in later.values())
    for scored in (without, beside):
        assert scored.pop("microseconds") == {"values": then["timestamp"]["values"], "sum": 0.0}
        scored["timestamp"]["sum"] *= 1000  # it is in milliseconds now
    assert without == then
    for name in grown["later"]:
        assert beside.pop(name)["values"] == then["P-TPT"]["values"]
    degraded = beside.pop("degraded_sensors")["texts"]
    assert all(f"{name}=" in text for name in grown["later"] for text in degraded)
    then = {**then}
    del then["degraded_sensors"]
    assert beside == then
    assert live["anomaly_score"]["values"] == then["anomaly_score"]["values"]
    profiled = grown["later"][0]
    assert all(f"{profiled}=" not in text for text in live["degraded_sensors"]["texts"])


def test_totals_drift_repair_and_recommissioning_take_both(
    grown: dict[str, Any], expected: dict[str, Any]
) -> None:
    total = grown["tally"]
    assert (total["batches"], total["recordings"], total["quarantined"]) == (7, 2, 1)
    assert total["rows_commissioning"] + total["rows_scored"] + total["rows_unscorable"] == 960
    for repaired, summary in zip(grown["repaired"], expected["summaries"].values(), strict=True):
        later = [repaired["sensors"].pop(name) for name in grown["later"]]
        assert set(later) == {ABSENT}
        assert repaired["sensors"] == summary["figures"]["sensors"]
    [well] = grown["drift"]
    assert well[1] == NEW_RECORDING
    assert "P-NEW" in {sensor[0] for sensor in well[3:]}
    assert {*grown["later"], "P-TPT"} <= {*grown["recommissioned"]["sensors"]}


def test_a_dashboard_that_is_older_than_the_lambda_leaves_out_what_it_does_not_know(
    old, grown: dict[str, Any]
) -> None:
    """It shows the batches, has no way back to their summaries' bodies, and misreads nothing."""
    for each in grown["snapshot"]:
        if each["recording"] == NEW_RECORDING:
            old.curated.put(each["key"], b"{}", "application/json")
    snapshot = Curated(old.curated.name).snapshot()
    assert snapshot is not None
    table = snapshot.table
    assert table["rows"].sum() == 960
    for place in range(len(table)):
        is_new = table["recording"].iloc[place] == NEW_RECORDING
        assert (snapshot.summary_key(place) == "") == is_new
        then = next(
            each
            for each in grown["snapshot"]
            if (each["recording"], each["last"])
            == (table["recording"].iloc[place], str(table["last"].iloc[place]))
        )
        now = dict(zip(SENSOR_NAMES, snapshot.sensors()[place].tolist(), strict=True))
        for name in SENSOR_NAMES[:FIRST_SENSORS]:
            assert now[name] == then["sensors"][name]


def test_a_raw_batch_with_a_sensor_that_is_not_known_is_set_aside_with_advice(old) -> None:
    """Nothing is scored without a reading that came with it; the object can be put back."""
    key = next(iter(old.raw.keys("")))
    table = pq.ParquetFile(pa.BufferReader(old.raw.get(key, at_most=2**26).body)).read()
    new = table.append_column(NEW[0].name, table.column("P-TPT"))
    sink = pa.BufferOutputStream()
    pq.write_table(new, sink)
    old.raw.put(key, sink.getvalue().to_pybytes(), "application/vnd.apache.parquet")
    alerts = Alerts(old.curated, old.settings.topic_arn, old.clients.sns)
    pipeline = Pipeline(old.raw, old.curated, CurrentModel(old.registry), alerts)
    outcome = pipeline.process(RawObject(key))
    assert outcome.disposition is Disposition.QUARANTINED
    assert "'P-NEW'" in outcome.reason
    assert "update the Lambda, then copy the object back" in outcome.reason
