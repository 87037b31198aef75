"""Each stored form has a format, and a later one is refused in a sentence by whoever reads it."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.curated.batches import ListedKey, Names, parse
from dashboard.views.pipeline.throughput import Quarantine
from petrostream.alarms import annotations, events
from petrostream.alarms.events import Event
from petrostream.alarms.notify import Alerts
from petrostream.aws.buckets import ListedObject, StoredObject
from petrostream.detection import profiles
from petrostream.detection.engineering_limits import Limits
from petrostream.errors import PermanentError, UsageError
from petrostream.evaluation import document as evaluations
from petrostream.ingest import claims
from petrostream.ingest.batches import decode
from petrostream.registry.model_files import Pointer, sha256, unpack
from petrostream.schema import columns, stored_forms
from petrostream.schema.columns import SCORED_SCHEMA, scored_schema
from petrostream.schema.keys import BatchId, parse_batch_key
from petrostream.schema.sensors import MOST_SENSORS, SENSORS, Kind, Sensor, checked
from petrostream.schema.sql_columns import scored_columns
from petrostream.schema.stored_forms import Form
from petrostream.scoring import score_batch, summaries
from petrostream.settings import PROJECT_ROOT
from tests.fixtures.stored.grow import NEW, NEXT

FOLDER = PROJECT_ROOT / "tests" / "fixtures" / "stored"
FORMS = {name: each for name, each in vars(stored_forms).items() if isinstance(each, Form)}
NOW = datetime(2026, 11, 25, tzinfo=UTC)
EVENT = Event("WELL-1", "r", 10**15, 10**15, 10**15, 1.5, 1, {"P-TPT": 100})

CLAIM = b"""{
 "format": 1, "well": "WELL-90005", "recording": "WELL-90005_20240101000000", "kind": "replayed",
 "content": "5d41402abc4b2a76", "rows": 900, "first": 1704067200000000, "last": 1704071695000000,
 "batch_seconds": 600, "commissioning_seconds": 900, "lookback_seconds": 2700,
 "by": "ana on rig-7", "at": "2026-11-25 16:40:00 UTC"
}"""


class OneObject:
    """A bucket with one object."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, key: str, *, at_most: int) -> StoredObject:
        return StoredObject(self.body, "", NOW)

    def put_if_absent(self, key: str, body: bytes, content_type: str) -> bool:
        return False

    def list(self, prefix: str) -> list[ListedObject]:
        return [ListedObject(f"{prefix}x.reason.json", "", 1, NOW)]


class NoTopic:
    """Nothing may be sent."""


def one(pattern: str) -> Path:
    """The first of the stored objects of a kind."""
    return min(FOLDER.glob(pattern))


def with_format(body: bytes, found: Any) -> bytes:
    """A document, or a list of them, of another format."""
    document = json.loads(body)
    for each in document if isinstance(document, list) else [document]:
        each["format"] = found
    return json.dumps(document).encode()


def parquet(path: Path, found: Any) -> bytes:
    """An object whose metadata says another format."""
    table = pq.ParquetFile(path).read()
    facts = with_format(table.schema.metadata[b"petrostream"], found)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({b"petrostream": facts}), sink)
    return sink.getvalue().to_pybytes()


def read_raw(found: Any) -> object:
    path = one("raw/readings/*/*/*")
    batch = parse_batch_key(path.relative_to(FOLDER / "raw").as_posix())
    return decode(parquet(path, found), batch)


def read_scored(found: Any) -> object:
    body = parquet(one("curated/scored/*/*/*"), found)
    schema = pq.read_schema(pa.BufferReader(body))
    assert score_batch.counts_of(schema).rows
    assert score_batch.model_version_of(schema)
    return score_batch.read_scored(body, ["timestamp"])


def read_figures(found: int) -> object:
    text = one("curated/summaries/*/*/*/*/*").name.removesuffix(".json")
    record = base64.urlsafe_b64decode(text)
    return summaries.decode([base64.urlsafe_b64encode(bytes([found]) + record[1:]).decode()])


def read_claim(found: Any) -> object:
    bucket: Any = OneObject(with_format(b'{"state":"sent"}', found))
    topic: Any = NoTopic()
    return Alerts(bucket, "arn", topic).send(EVENT, "v") is False


def read_reason(found: Any) -> object:
    bucket: Any = OneObject(with_format(one("curated/quarantine/**/*.json").read_bytes(), found))
    [aside], _ = Quarantine(bucket).read()
    if "can't be read" in aside.reason and "Parquet" not in aside.reason:
        raise PermanentError(aside.reason)
    return aside


def read_manifest(found: Any) -> object:
    manifest = with_format(one("models/models/*/model.json").read_bytes(), found)
    pointer = Pointer("v", sha256(manifest))
    return unpack(pointer, manifest, one("models/models/*/forest.npz").read_bytes())


def read_limits(found: Any) -> object:
    try:
        return Limits.of({"format": found, "sensors": {"P-TPT": {"high": 1e7}}})
    except ValueError as error:
        raise PermanentError(str(error)) from error


def of_document(read: Callable[[bytes], object], pattern: str) -> Callable[[Any], object]:
    return lambda found: read(with_format(one(pattern).read_bytes(), found))


READERS: list[tuple[str, Callable[[Any], object]]] = [
    ("RAW_BATCH", read_raw),
    ("SCORED_BATCH", read_scored),
    ("SUMMARY", read_figures),
    ("EVENTS", of_document(events.from_json, "curated/events/*/*/*")),
    ("PROFILE", of_document(profiles.from_json, "curated/profiles/*/*00.json")),
    ("PROFILE", of_document(profiles.list_from_json, "curated/profiles/*/*.recommissioned.json")),
    ("RECORDING_CLAIM", lambda found: claims.from_json(with_format(CLAIM, found))),
    ("ALERT_CLAIM", read_claim),
    ("ANNOTATION", of_document(annotations.from_json, "curated/annotations/*/*/*")),
    ("QUARANTINE_REASON", read_reason),
    ("MANIFEST", read_manifest),
    ("POINTER", of_document(lambda body: Pointer.from_json(body.decode()), "pointer.json")),
    ("LIMITS", read_limits),
    ("EVALUATION", of_document(evaluations.from_json, "models/models/*/evaluation.json")),
]


@pytest.mark.parametrize(("name", "read"), READERS, ids=[name for name, _ in READERS])
def test_a_later_format_is_refused_in_a_sentence(name: str, read: Callable[[Any], object]) -> None:
    form = FORMS[name]
    assert all(read(each) for each in range(form.oldest, form.newest + 1))
    with pytest.raises(form.error, match="update PetroStream") as refused:
        read(form.newest + 1)
    sentence = str(refused.value)
    assert f"the {form.name}" in sentence
    assert f"it has format {form.newest + 1}" in sentence
    one_only = form.oldest == form.newest
    readable = f"format {form.newest}" if one_only else f"formats {form.oldest} to {form.newest}"
    assert f"reads {readable} only" in sentence
    if form.oldest > 1:
        with pytest.raises(form.error, match="make it anew"):
            read(form.oldest - 1)


def test_every_form_has_a_reader_that_refuses() -> None:
    assert {name for name, _ in READERS} == set(FORMS)


@pytest.mark.parametrize("found", ["1", None, 1.0, True, [], 10**400])
def test_a_format_that_is_none_is_refused(found: Any) -> None:
    with pytest.raises(PermanentError, match="the annotation can't be read"):
        stored_forms.ANNOTATION.check({"format": found})


def test_what_says_nothing_has_format_1() -> None:
    stored_forms.ANNOTATION.check({})
    with pytest.raises(PermanentError, match="it has format 1"):
        stored_forms.PROFILE.check({})


def test_a_refused_summary_is_told_and_the_others_are_read() -> None:
    paths = sorted((FOLDER / "curated").glob("summaries/*/*/*/*/*"))
    keys = [path.relative_to(FOLDER / "curated").as_posix() for path in paths]
    folder, _, text = keys[0].rpartition("/")
    record = base64.urlsafe_b64decode(text.removesuffix(".json"))
    later = f"{folder}/{base64.urlsafe_b64encode(b'9' + record[1:] + b'grown!').decode()}.json"
    refused: dict[str, str] = {}
    listed = [ListedKey(key, NOW.replace(tzinfo=None)) for key in [*keys, later]]
    batches = parse(listed, Names(), Names(), refused.__setitem__)
    assert len(batches) == len(keys)
    assert list(refused) == [later]
    assert "it has format 57" in refused[later]


@pytest.mark.parametrize(
    ("sensors", "fault"),
    [
        ((NEW[0], *SENSORS), f"P-NEW is of generation {NEXT}, and stands at place 1"),
        (
            (*SENSORS[:20], NEW[0], *SENSORS[20:]),
            f"P-NEW is of generation {NEXT}, and stands at place",
        ),
        ((*SENSORS, replace(NEW[0], generation=1)), "P-NEW is of generation 1"),
        ((*SENSORS, NEW[2], NEW[0]), "a new sensor stands behind all others"),
        ((*SENSORS, NEW[0], NEW[0]), "P-NEW stands twice"),
        ((*SENSORS, replace(NEW[0], name="P NEW=1")), "no name of a sensor"),
    ],
)
def test_a_list_of_sensors_that_would_misread_what_is_stored_is_refused(
    sensors: tuple[Sensor, ...], fault: str
) -> None:
    with pytest.raises(UsageError, match=fault):
        checked(sensors)


@pytest.mark.parametrize(
    "name", ["p-tpt", "P_TPT", "Date", "WELL", "anomaly-score", "State", "Is-Lookback"]
)
def test_a_sensor_that_sql_takes_for_another_column_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="SQL can't tell"):
        scored_schema((*SENSORS, replace(NEW[0], name=name)))


def many(number: int) -> tuple[Sensor, ...]:
    return (
        *SENSORS,
        *(
            Sensor(f"P-{place}", Kind.PRESSURE, "", generation=NEXT)
            for place in range(number - len(SENSORS))
        ),
    )


def test_as_many_sensors_are_taken_as_fit_into_the_longest_key() -> None:
    def longest_key(sensors: int) -> int:
        text = "x" * (summaries.FIGURES_TEXT + 4 * summaries.groups_of(sensors))
        return len(BatchId("W" * 120, "R" * 120, NOW.replace(tzinfo=None)).summary(text))

    assert longest_key(MOST_SENSORS) <= 1024 < longest_key(MOST_SENSORS + 1)
    assert MOST_SENSORS < summaries.UNLABELLED
    assert len(checked(many(MOST_SENSORS))) == MOST_SENSORS
    with pytest.raises(UsageError, match="234 sensors; at most 233"):
        checked(many(MOST_SENSORS + 1))


def test_what_joins_later_stands_behind_all_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sensor, then a column of results, then sensors again; and SQL's table alike."""
    result = pa.field("severity", pa.int8())
    monkeypatch.setattr(columns, "_NO_SENSORS", (*columns._NO_SENSORS, (NEXT + 1, result)))
    later = replace(NEW[2], name="Q-LATER", generation=NEXT + 2)
    first = SCORED_SCHEMA.names
    assert scored_schema((*SENSORS, *NEW[:2])).names == [*first, "P-NEW", "T-NEW", "severity"]
    grown = scored_schema((*SENSORS, *NEW, later)).names
    assert grown == [*first, "P-NEW", "T-NEW", "Q-NEW", "severity", "Q-LATER"]
    monkeypatch.undo()
    names = [each["name"] for each in scored_columns((*SENSORS, *NEW))]
    before = [each["name"] for each in scored_columns()]
    assert names == [*before, "p_new", "t_new", "q_new"]
    assert columns.reading_schema((*SENSORS, NEW[0])).names[-3:] == ["P-NEW", "class", "state"]
