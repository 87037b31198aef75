"""The handler, in this process, over the event documents of `tests/events`: what a user of the
pipeline would notice, and what SQS is told to deliver again."""

import importlib.util
import io
import json
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError

from petrostream.alarms import notify
from petrostream.alarms.events import Event
from petrostream.aws import clients
from petrostream.detection import profiles
from petrostream.detection.profiles import Profile
from petrostream.errors import TransientError
from petrostream.ingest import decoder
from petrostream.ingest.batches import MAX_ROWS, Batch, cut, encode, read_table
from petrostream.ingest.isolation import IsolatedReader
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.local.execution import InvocationContext
from petrostream.local.worker import sqs_event
from petrostream.registry.model_files import FOREST_NAME, Model, PackedModel, Pointer, pack
from petrostream.registry.models import NO_MODEL
from petrostream.schema.columns import TIMESTAMP, TIMESTAMP_TYPE
from petrostream.schema.keys import (
    PROFILES,
    QUARANTINE,
    REASON_SUFFIX,
    model_key,
    profile_key,
)
from petrostream.scoring import pipeline as pipeline_module
from petrostream.scoring.pipeline import Outcome
from petrostream.scoring.score_batch import encode_scored, score_batch
from petrostream.scoring.totals import read_events
from petrostream.settings import PROJECT_ROOT
from tests.support.killers import KILLERS, read_or_die
from tests.support.sqs_events import ANOTHER_ETAG, as_in_event, load_event, message_ids
from tests.support.thrift_compact import BINARY, INT32, INT64, LIST, STRUCT, write_struct

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from tests.conftest import Provisioned

RETRIES_ARN = "arn:aws:sqs:us-east-1:123456789012:petrostream-ingest-retries"
PARQUET = "application/vnd.apache.parquet"
MINUTE = 60
SECOND = 1_000_000
FOREIGN_KEYS = (
    "models/well=WELL-00001/date=2017-02-01/WELL-00001_20170201000000-20170201T000000.parquet",
    "readings/notes.txt",
)
UNREACHABLE = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Answer:
    """What an invocation returned and printed."""

    failed: list[str]
    printed: list[dict[str, Any]]

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self.printed if "_aws" not in line]

    @property
    def metrics(self) -> dict[str, list[float]]:
        """Every value of each metric that CloudWatch would extract."""
        found: dict[str, list[float]] = {}
        for document in (line for line in self.printed if "_aws" in line):
            for directive in document["_aws"]["CloudWatchMetrics"]:
                for metric in directive["Metrics"]:
                    found.setdefault(metric["Name"], []).extend(document[metric["Name"]])
        return found

    def said(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.logs if line["message"] == message]


@dataclass
class Wire:
    """The calls of an S3 client: which were made, and which are to fail or be preceded."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[tuple[str, str], Callable[[AWSPreparedRequest], AWSResponse | None]] = field(
        default_factory=dict
    )

    def attach(self, s3: "S3Client") -> None:
        s3.meta.events.register("before-send.s3", self._send)

    def _send(
        self, request: AWSPreparedRequest, event_name: str, **_: object
    ) -> AWSResponse | None:
        _, _, key = unquote(urlsplit(request.url).path).lstrip("/").partition("/")
        call = (event_name.rpartition(".")[2], key)
        self.calls.append(call)
        return self.faults[call](request) if call in self.faults else None

    def made(self, operation: str, key: str) -> int:
        return self.calls.count((operation, key))


def refused(status: int, code: str) -> Callable[[AWSPreparedRequest], AWSResponse]:
    """S3 answers with an error."""

    def answer(request: AWSPreparedRequest) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>try again</Message></Error>".encode()
        raw = urllib3.HTTPResponse(io.BytesIO(body), status=status, preload_content=False)
        return AWSResponse(request.url, status, {}, raw)

    return answer


def cut_off(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    """AWS can't be reached."""
    raise EndpointConnectionError(endpoint_url=request.url)


@dataclass(frozen=True)
class Function:
    """One execution environment of the function, on the embedded AWS."""

    module: ModuleType
    capsys: pytest.CaptureFixture[str]

    def __call__(self, event: dict[str, Any], seconds: float = MINUTE) -> Answer:
        self.capsys.readouterr()
        context = InvocationContext("9a3c1f0e", time.monotonic() + seconds)
        response = json.loads(json.dumps(self.module.handler(event, context)))
        assert response.keys() == {"batchItemFailures"}
        captured = self.capsys.readouterr()
        assert captured.err == ""
        return Answer(
            [failure["itemIdentifier"] for failure in response["batchItemFailures"]],
            [json.loads(line) for line in captured.out.splitlines()],
        )


class Output:
    """Standard output of the moment: pytest has another one in a fixture than in the test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def load(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Function:
    """Import `lambda/app.py` afresh, as a cold start does, with a logger that no test had yet."""
    monkeypatch.setenv("POWERTOOLS_LOG_DEDUPLICATION_DISABLED", "true")
    loggers = logging.root.manager.loggerDict
    monkeypatch.setitem(loggers, "petrostream", logging.Logger("petrostream"))
    place = PROJECT_ROOT / "lambda" / "app.py"
    spec = importlib.util.spec_from_file_location("app", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.logger.logger_handler.stream = Output()
    return Function(module, capsys)


@pytest.fixture
def wire(provisioned: "Provisioned", monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The S3 client that the function gets; its retries do not wait."""
    s3, found = clients.s3(), Wire()
    found.attach(s3)
    monkeypatch.setattr(clients, "s3", lambda: s3)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    return found


@pytest.fixture
def function(
    provisioned: "Provisioned",
    packed: PackedModel,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Function:
    """The function, just started, with a model published."""
    provisioned.registry.publish(packed)
    return load(monkeypatch, capsys)


@pytest.fixture(scope="module")
def eventful(recordings: list[Recording], model: Model) -> Recording:
    """The made-up recording with the most events."""
    return max(recordings, key=lambda recording: len(opening(recording, model)))


@pytest.fixture
def batches(eventful: Recording) -> list[Batch]:
    return list(cut(eventful))


def profile_of(batches: list[Batch]) -> Profile:
    return profiles.learn(batches[0])


def opening(recording: Recording, model: Model) -> list[Event]:
    """The events of a recording, those that an alert is due for."""
    batches = list(cut(recording))
    scored = [score_batch(batch, profile_of(batches), model) for batch in batches]
    return [run for each in scored for run in each.runs if run.opens]


def upload(provisioned: "Provisioned", *batches: Batch) -> None:
    for batch in batches:
        provisioned.raw.put(batch.id.raw, encode(batch), PARQUET)


def announcing(
    provisioned: "Provisioned", document: str, *keys: str, **values: str | int
) -> dict[str, Any]:
    """An event document that announces the objects under these keys."""
    placeholders = {f"key_{number}": as_in_event(key) for number, key in enumerate(keys, 1)}
    found = [provisioned.raw.look_up(key) for key in keys]
    placeholders |= {f"etag_{number}": each.etag for number, each in enumerate(found, 1) if each}
    if keys:
        placeholders["key"] = as_in_event(keys[0])
        placeholders["etag"] = placeholders.get("etag_1", ANOTHER_ETAG)
    bucket = provisioned.settings.raw_bucket
    return load_event(document, raw_bucket=bucket, **placeholders, **values)


def curated(provisioned: "Provisioned", prefix: str = "") -> dict[str, bytes]:
    return provisioned.objects(provisioned.settings.curated_bucket, prefix)


def version_used(provisioned: "Provisioned", batch: Batch) -> str | None:
    """Version of the model that a batch was scored with; None where it was not scored."""
    metadata = provisioned.curated.metadata(batch.id.scored)
    return None if metadata is None else metadata["model-version"]


def is_scored(provisioned: "Provisioned", batch: Batch) -> bool:
    return version_used(provisioned, batch) is not None


def expected_object(batches: list[Batch], number: int, model: Model, etag: str) -> bytes:
    scored = score_batch(batches[number], profile_of(batches), model)
    return encode_scored(scored, batches[number], model, etag)


# What is announced is scored, what is none of ours is left alone.


@pytest.mark.parametrize("document", ["one_object", "multipart_upload"])
def test_an_announced_batch_is_scored(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    model: Model,
    document: str,
) -> None:
    upload(provisioned, batches[0])
    answer = function(announcing(provisioned, document, batches[0].id.raw))
    assert answer.failed == []
    etag = provisioned.raw.get(batches[0].id.raw, at_most=2**30).etag
    written = curated(provisioned)
    assert written[batches[0].id.scored] == expected_object(batches, 0, model, etag)
    assert f"{PROFILES}well={batches[0].id.well}/{batches[0].id.recording}.json" in written


@pytest.mark.parametrize("document", ["several_objects", "several_messages"])
def test_each_of_several_announced_batches_is_scored(
    function: Function, provisioned: "Provisioned", batches: list[Batch], document: str
) -> None:
    upload(provisioned, *batches[:3])
    keys = [batch.id.raw for batch in reversed(batches[:3])]
    assert function(announcing(provisioned, document, *keys)).failed == []
    assert all(is_scored(provisioned, batch) for batch in batches[:3])


@pytest.mark.parametrize(
    "document",
    [
        "test_event",
        "object_removed",
        "foreign_bucket",
        "foreign_prefix",
        "message_without_records",
        "empty",
        "no_records",
    ],
)
def test_what_announces_no_reading_does_nothing_and_is_done_with(
    function: Function, provisioned: "Provisioned", batches: list[Batch], document: str
) -> None:
    upload(provisioned, batches[0])
    for key in FOREIGN_KEYS:
        provisioned.raw.put(key, b"", PARQUET)
    answer = function(announcing(provisioned, document, batches[0].id.raw))
    assert answer.failed == []
    assert curated(provisioned) == {}


@pytest.mark.parametrize("document", ["object_removed", "foreign_bucket", "foreign_prefix"])
def test_what_is_passed_over_is_told(
    function: Function, provisioned: "Provisioned", batches: list[Batch], document: str
) -> None:
    answer = function(announcing(provisioned, document, batches[0].id.raw))
    assert {line["level"] for line in answer.logs} == {"WARNING"}


@pytest.mark.parametrize("document", ["not_json", "not_s3", "sns_wrapped"])
def test_a_message_that_is_no_s3_event_comes_back_until_it_is_a_dead_letter(
    function: Function, provisioned: "Provisioned", batches: list[Batch], document: str
) -> None:
    event = announcing(provisioned, document, batches[0].id.raw)
    answer = function(event)
    assert answer.failed == message_ids(event)
    (line,) = answer.said("not understood")
    assert line["message_id"] == answer.failed[0]
    assert "not an S3 event" in line["reason"]
    assert answer.metrics["Failed"] == [1]


def test_an_object_that_is_gone_is_not_tried_again(
    function: Function, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    answer = function(announcing(provisioned, "one_object", batches[0].id.raw))
    assert answer.failed == []
    assert curated(provisioned) == {}
    (line,) = answer.said("gone")
    assert line["key"] == batches[0].id.raw


def test_an_object_that_is_gone_before_it_is_set_aside_is_not_tried_again(
    function: Function, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    too_large = pipeline_module.MAX_OBJECT_BYTES + 1
    event = announcing(provisioned, "one_object", batches[0].id.raw, size=too_large)
    answer = function(event)
    assert answer.failed == []
    assert curated(provisioned) == {}
    assert answer.said("gone")


# What can't be read is set aside with its reason, and does not hold up the rest.


def with_facts(batch: Batch, **facts: object) -> bytes:
    """A batch whose metadata says something else."""
    table = pq.ParquetFile(io.BytesIO(encode(batch))).read()
    stored = json.loads(table.schema.metadata[b"petrostream"])
    return parquet(table, json.dumps(stored | facts))


def with_column(batch: Batch, name: str, values: pa.Array) -> bytes:
    table = pq.ParquetFile(io.BytesIO(encode(batch))).read()
    facts = table.schema.metadata[b"petrostream"].decode()
    if name in table.schema.names:
        table = table.drop_columns([name])
    return parquet(table.append_column(name, values), facts)


def parquet(table: pa.Table, facts: str | None) -> bytes:
    sink = io.BytesIO()
    metadata = None if facts is None else {b"petrostream": facts.encode()}
    pq.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
    return sink.getvalue()


def nothing_but_rows(rows: int) -> bytes:
    """A small file that unpacks to many rows."""
    columns = {
        "timestamp": pa.nulls(rows, pa.timestamp("us")),
        "P-PDG": pa.nulls(rows, pa.float64()),
        "is_lookback": pa.nulls(rows, pa.bool_()),
    }
    return parquet(pa.table(columns), "{}")


UNREADABLE: dict[str, tuple[Callable[[Batch], bytes], str]] = {
    "empty": (lambda _: b"", "not readable Parquet"),
    "text": (lambda _: b"timestamp,P-PDG\n", "not readable Parquet"),
    "cut short": (lambda batch: encode(batch)[:-9], "not readable Parquet"),
    "damaged": (lambda batch: encode(batch).replace(b"P-PDG", b"P\xffPDG"), "Parquet"),
    "unknown column": (
        lambda batch: with_column(batch, "P-XYZ", pa.nulls(batch.table.num_rows, pa.float64())),
        "P-XYZ",
    ),
    "readings as text": (
        lambda batch: with_column(batch, "P-TPT", pa.nulls(batch.table.num_rows, pa.string())),
        "P-TPT",
    ),
    "without metadata": (
        lambda batch: parquet(batch.table, None),
        "no 'petrostream' metadata",
    ),
    "metadata that is not JSON": (lambda batch: parquet(batch.table, "{"), "no JSON"),
    "metadata of another format": (lambda batch: with_facts(batch, format=2), "format"),
    "metadata out of bounds": (
        lambda batch: with_facts(batch, commissioning_seconds=-1),
        "commissioning_seconds",
    ),
    "metadata of another well": (lambda batch: with_facts(batch, well="WELL-1"), "WELL-1"),
    "lookback that the model can't do with": (
        lambda batch: with_facts(batch, lookback_seconds=60),
        "lookback",
    ),
    "too many rows": (lambda _: nothing_but_rows(MAX_ROWS + 1), f"{MAX_ROWS + 1} rows"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_object_is_set_aside_and_those_beside_it_are_scored(
    function: Function, provisioned: "Provisioned", batches: list[Batch], kind: str
) -> None:
    good_1, bad, good_2 = batches[:3]
    make, expected = UNREADABLE[kind]
    upload(provisioned, good_1, good_2)
    provisioned.raw.put(bad.id.raw, make(bad), PARQUET)
    keys = [batch.id.raw for batch in (good_1, bad, good_2)]

    answer = function(announcing(provisioned, "several_messages", *keys))

    assert answer.failed == []
    assert is_scored(provisioned, good_1)
    assert is_scored(provisioned, good_2)
    assert not is_scored(provisioned, bad)
    aside = curated(provisioned, QUARANTINE)
    place = f"{QUARANTINE}{bad.id.raw}"
    assert aside.keys() == {place, f"{place}{REASON_SUFFIX}"}
    assert aside[place] == make(bad)
    document = json.loads(aside[f"{place}{REASON_SUFFIX}"])
    assert (document["bucket"], document["key"]) == (provisioned.settings.raw_bucket, bad.id.raw)
    assert expected in document["reason"]
    assert answer.metrics["Quarantined"] == [1]


def test_a_key_is_read_as_s3_writes_it(function: Function, provisioned: "Provisioned") -> None:
    """Such a key is not one of ours, but the object is found and set aside under its own name."""
    key = "readings/well=POÇO-7/date=2017-02-01/pressão do poço #1+-20170201T000000.parquet"
    provisioned.raw.put(key, b"readings", PARQUET)
    assert function(announcing(provisioned, "encoded_key")).failed == []
    aside = curated(provisioned)
    assert aside[f"{QUARANTINE}{key}"] == b"readings"
    assert key in json.loads(aside[f"{QUARANTINE}{key}{REASON_SUFFIX}"])["reason"]


@pytest.mark.parametrize("size_is_announced", [True, False])
def test_an_object_that_is_too_large_is_set_aside_unread(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    size_is_announced: bool,
) -> None:
    good, bad = batches[0], batches[1]
    limit = len(encode(good))
    monkeypatch.setattr(pipeline_module, "MAX_OBJECT_BYTES", limit)
    upload(provisioned, good)
    provisioned.raw.put(bad.id.raw, bytes(limit + 1), PARQUET)
    for batch, size in ((bad, limit + 1), (good, limit)):
        announced = size if size_is_announced else 0
        event = announcing(provisioned, "one_object", batch.id.raw, size=announced)
        assert function(event).failed == []
    assert is_scored(provisioned, good)
    aside = curated(provisioned, QUARANTINE)
    reason = json.loads(aside[f"{QUARANTINE}{bad.id.raw}{REASON_SUFFIX}"])["reason"]
    assert f"{limit + 1} bytes" in reason
    assert wire.made("GetObject", bad.id.raw) == (0 if size_is_announced else 1)


def nested_deeply() -> bytes:
    """A schema nested 20,000 deep."""
    group = [[3, INT32, 1], [4, BINARY, b"x"], [5, INT32, 1]]
    leaf = [[1, INT32, 5], [3, INT32, 1], [4, BINARY, b"x"]]
    schema = [[4, BINARY, b"schema"], [5, INT32, 1]]
    levels = [schema, *[group] * 20_000, leaf]
    footer = write_struct(
        [[1, INT32, 1], [2, LIST, (STRUCT, levels)], [3, INT64, 0], [4, LIST, (STRUCT, [])]]
    )
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


POISON: dict[str, tuple[Callable[[], bytes], str]] = {
    "nested deeply": (nested_deeply, "lists 20002 things"),
    "a negative number of rows": (lambda: poison("negative_rows"), "negative number of rows"),
    "a column of many more values": (lambda: poison("rows_lie_group"), "hold 300000000 values"),
    "a page of 2 GiB": (lambda: poison("page2g_valid"), "bytes unpacked"),
}


def poison(name: str) -> bytes:
    return (PROJECT_ROOT / f"tests/fixtures/poison/{name}.parquet").read_bytes()


@pytest.mark.parametrize("kind", POISON)
def test_a_crafted_object_is_set_aside_and_those_beside_it_are_scored(
    function: Function, provisioned: "Provisioned", batches: list[Batch], kind: str
) -> None:
    make, reason = POISON[kind]
    assert reason in reason_among_good_ones(function, provisioned, batches, make())


@pytest.mark.parametrize("killer", KILLERS, ids=lambda killer: killer.decode().partition(" ")[0])
def test_what_kills_the_reader_is_set_aside_and_those_beside_it_are_scored(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    monkeypatch: pytest.MonkeyPatch,
    killer: bytes,
) -> None:
    monkeypatch.setattr(decoder, "CPU_SECONDS", 1)
    module = function.module
    reader = IsolatedReader(read_or_die, wall_seconds=2.0 if b"sleep" in killer else 60.0)
    monkeypatch.setattr(module, "pipeline", module.build_pipeline(module.settings, reader))
    assert KILLERS[killer] in reason_among_good_ones(function, provisioned, batches, killer)


def test_objects_are_read_in_the_function_where_no_other_process_can_be_had(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: IsolatedReader) -> None:
        raise TransientError("the process that reads objects can't be started")

    monkeypatch.setattr(IsolatedReader, "start", start)
    assert function.module.choose_reader() is read_table
    monkeypatch.undo()
    assert isinstance(function.module.choose_reader(), IsolatedReader)


def test_an_object_in_an_archive_class_is_given_up_with_its_reason(
    function: Function, provisioned: "Provisioned", batches: list[Batch], wire: Wire
) -> None:
    upload(provisioned, *batches[:3])
    key = batches[1].id.raw
    wire.faults["GetObject", key] = refused(403, "InvalidObjectState")
    keys = [batch.id.raw for batch in batches[:3]]
    assert function(announcing(provisioned, "several_messages", *keys)).failed == []
    assert is_scored(provisioned, batches[0])
    reason = json.loads(curated(provisioned, QUARANTINE)[f"{QUARANTINE}{key}{REASON_SUFFIX}"])
    assert "restore it" in reason["reason"]


def test_an_object_that_is_replaced_when_there_is_no_time_left_comes_back(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(provisioned, *batches[:1])
    event = announcing(provisioned, "one_object", batches[0].id.raw)
    pipeline = function.module.pipeline
    monkeypatch.setattr(pipeline, "_is_still_there", lambda *_: False)
    monkeypatch.setattr(InvocationContext, "get_remaining_time_in_millis", iter_of_times())
    assert function(event).failed == message_ids(event)


def iter_of_times() -> Callable[[InvocationContext], int]:
    """Time enough for what is kept, for the object itself, and then none."""
    left = iter([60_000, 60_000])
    return lambda _: next(left, 1_000)


def reason_among_good_ones(
    function: Function, provisioned: "Provisioned", batches: list[Batch], bad: bytes
) -> str:
    """Why an object is set aside; it stands among three good ones, which are all scored."""
    good = [batches[0], batches[1], batches[3]]
    upload(provisioned, *good)
    provisioned.raw.put(batches[2].id.raw, bad, PARQUET)
    keys = [batch.id.raw for batch in batches[:4]]
    assert function(announcing(provisioned, "several_objects", *keys[:3])).failed == []
    assert function(announcing(provisioned, "one_object", keys[3])).failed == []
    assert all(is_scored(provisioned, batch) for batch in good)
    aside = curated(provisioned, QUARANTINE)
    assert aside[f"{QUARANTINE}{keys[2]}"] == bad
    return str(json.loads(aside[f"{QUARANTINE}{keys[2]}{REASON_SUFFIX}"])["reason"])


# A fault that passes brings back exactly the messages that it hit.


@pytest.mark.parametrize(
    "fault",
    [
        refused(503, "SlowDown"),
        refused(500, "InternalError"),
        refused(403, "AccessDenied"),
        cut_off,
    ],
    ids=["throttled", "internal error", "refused", "unreachable"],
)
@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_only_the_message_that_a_passing_fault_hits_comes_back(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    wire: Wire,
    fault: Callable[[AWSPreparedRequest], AWSResponse],
    operation: str,
) -> None:
    upload(provisioned, *batches[:3])
    hit = batches[1].id.raw if operation == "GetObject" else batches[1].id.scored
    wire.faults[operation, hit] = fault
    keys = [batch.id.raw for batch in batches[:3]]
    event = announcing(provisioned, "several_messages", *keys)

    answer = function(event)

    assert answer.failed == [message_ids(event)[1]]
    assert [is_scored(provisioned, batch) for batch in batches[:3]] == [True, False, True]
    assert answer.metrics["Failed"] == [1]
    (line,) = answer.said("not scored")
    assert line["key"] == batches[1].id.raw
    assert hit in line["reason"]
    assert curated(provisioned, QUARANTINE) == {}

    wire.faults.clear()
    assert function(event).failed == []
    assert is_scored(provisioned, batches[1])


def test_a_passing_fault_while_setting_aside_brings_the_message_back(
    function: Function, provisioned: "Provisioned", batches: list[Batch], wire: Wire
) -> None:
    key = batches[0].id.raw
    provisioned.raw.put(key, b"", PARQUET)
    wire.faults["PutObject", f"{QUARANTINE}{key}"] = refused(503, "SlowDown")
    event = announcing(provisioned, "one_object", key)
    assert function(event).failed == message_ids(event)
    wire.faults.clear()
    assert function(event).failed == []
    assert curated(provisioned).keys() == {
        f"{QUARANTINE}{key}",
        f"{QUARANTINE}{key}{REASON_SUFFIX}",
    }


def test_messages_that_there_is_no_time_for_come_back(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(provisioned, *batches[:3])
    event = announcing(provisioned, "several_messages", *(batch.id.raw for batch in batches[:3]))
    slow = slow_after(function, monkeypatch, objects=1)
    assert slow(event).failed == message_ids(event)[1:]
    assert sum(is_scored(provisioned, batch) for batch in batches[:3]) == 1
    monkeypatch.undo()
    assert function(event).failed == []


def test_a_message_of_which_some_objects_are_done_comes_back_for_the_others(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(provisioned, *batches[:3])
    event = announcing(provisioned, "several_objects", *(batch.id.raw for batch in batches[:3]))
    (message,) = message_ids(event)
    first = slow_after(function, monkeypatch, objects=1)
    assert first(event).failed == [message]
    assert [is_scored(provisioned, batch) for batch in batches[:3]] == [True, False, False]

    monkeypatch.undo()
    for record in event["Records"]:
        record["eventSourceARN"] = RETRIES_ARN
    answer = function(event)
    assert answer.failed == []
    assert all(is_scored(provisioned, batch) for batch in batches[:3])
    assert [line["key"] for line in answer.said("already scored")] == [batches[0].id.raw]


def slow_after(
    function: Function, monkeypatch: pytest.MonkeyPatch, objects: int
) -> Callable[[dict[str, Any]], Answer]:
    """The function where so many objects take time, so that the slowest no longer fits."""
    process = function.module.pipeline.process
    passed: list[str] = []

    def slowly(raw: RawObject, **options: bool) -> Outcome:
        passed.append(raw.key)
        return process(raw, **options)

    def left(_: InvocationContext) -> int:
        return 60_000 if len(passed) < objects else 26_000

    monkeypatch.setattr(function.module.pipeline, "process", slowly)
    monkeypatch.setattr(InvocationContext, "get_remaining_time_in_millis", left)
    return function


def test_all_messages_come_back_where_aws_is_out_of_reach(
    provisioned: "Provisioned",
    batches: list[Batch],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", UNREACHABLE)
    event = announcing(provisioned, "several_messages", *(batch.id.raw for batch in batches[:3]))
    assert load(monkeypatch, capsys)(event).failed == message_ids(event)


@pytest.mark.parametrize("parameter_is_there", [True, False])
def test_messages_wait_in_the_queue_until_there_is_a_model(
    function: Function,
    provisioned: "Provisioned",
    packed: PackedModel,
    batches: list[Batch],
    parameter_is_there: bool,
) -> None:
    ssm, name = provisioned.clients.ssm, provisioned.settings.model_parameter
    if parameter_is_there:
        ssm.put_parameter(Name=name, Value=NO_MODEL, Type="String", Overwrite=True)
    else:
        ssm.delete_parameter(Name=name)
    upload(provisioned, batches[0])
    event = announcing(provisioned, "one_object", batches[0].id.raw)
    answer = function(event)
    assert answer.failed == message_ids(event)
    assert "no model is published" in answer.said("not scored")[0]["reason"]
    assert curated(provisioned) == {}

    provisioned.registry.publish(packed)
    assert function(event).failed == []
    assert is_scored(provisioned, batches[0])


def test_what_was_scored_at_the_first_delivery_is_not_written_again_at_the_next(
    function: Function, provisioned: "Provisioned", batches: list[Batch], wire: Wire
) -> None:
    upload(provisioned, *batches[:3])
    keys = [batch.id.raw for batch in batches[:3]]
    event = announcing(provisioned, "several_objects", *keys)
    wire.faults["GetObject", keys[1]] = refused(503, "SlowDown")
    assert function(event).failed == message_ids(event)
    assert [is_scored(provisioned, batch) for batch in batches[:3]] == [True, False, True]

    wire.faults.clear()
    wire.calls.clear()
    again = announcing(provisioned, "several_objects", *keys, receive_count="2")
    assert function(again).failed == []
    assert not wire.calls, "what several objects failed is tried alone"
    answers = [function(event) for event in tried_alone(provisioned)]

    assert [answer.failed for answer in answers] == [[], [], []]
    written = [wire.made("PutObject", batch.id.scored) for batch in batches[:3]]
    assert written == [0, 1, 0]
    told = [line["key"] for answer in answers for line in answer.said("already scored")]
    assert told == [keys[0], keys[2]]
    assert answers[1].metrics["Rows"] == [batches[1].added_rows]


def tried_alone(provisioned: "Provisioned") -> list[dict[str, Any]]:
    """The events that the queue of retries gives rise to."""
    settings, sqs = provisioned.settings, provisioned.clients.sqs
    found = sqs.receive_message(
        QueueUrl=settings.retries_queue_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["All"],
    ).get("Messages", [])
    return [sqs_event([message], RETRIES_ARN) for message in found]


class Killed(BaseException):
    """The process ends; nothing of it goes on."""


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_what_comes_again_is_sent_on_and_deleted_before_its_company_can_end_the_function(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(provisioned, *batches[:3])
    sqs, settings = provisioned.clients.sqs, provisioned.settings
    received = sqs.receive_message(
        QueueUrl=settings.queue_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["All"],
    )["Messages"]
    messages = [message for message in received if "ObjectCreated" in message["Body"]]
    assert len(messages) == 3
    for message in messages[1:]:
        message["Attributes"]["ApproximateReceiveCount"] = "2"

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(function.module.pipeline, "process", die)
    with pytest.raises(Killed):
        function(sqs_event(messages, "arn:aws:sqs:us-east-1:123456789012:petrostream-ingest"))
    monkeypatch.undo()

    left = sqs.receive_message(
        QueueUrl=settings.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )["Messages"]
    ids = {message["MessageId"] for message in left}
    assert messages[0]["MessageId"] in ids, "what killed is not done with"
    assert not ids & {message["MessageId"] for message in messages[1:]}, "they would come back"
    assert [function(event).failed for event in tried_alone(provisioned)] == [[], []]
    assert [is_scored(provisioned, batch) for batch in batches[:3]] == [False, True, True]


def test_where_nothing_can_be_sent_on_the_messages_come_back_and_the_rest_is_worked_on(
    function: Function, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    upload(provisioned, *batches[:3])
    keys = [batch.id.raw for batch in batches[:3]]
    event = announcing(provisioned, "several_messages", *keys)
    for record in event["Records"][1:]:
        record["attributes"]["ApproximateReceiveCount"] = "3"
    provisioned.clients.sqs.delete_queue(QueueUrl=provisioned.settings.retries_queue_url)
    answer = function(event)
    assert sorted(answer.failed) == sorted(message_ids(event)[1:])
    assert answer.metrics["Failed"] == [2]
    assert [is_scored(provisioned, batch) for batch in batches[:3]] == [True, False, False]
    assert any("sending to" in line["message"] for line in answer.logs)


def test_an_object_that_was_replaced_is_scored_again(
    function: Function, provisioned: "Provisioned", batches: list[Batch]
) -> None:
    """The second delivery may be of another object than the first."""
    upload(provisioned, batches[0])
    event = announcing(provisioned, "one_object", batches[0].id.raw, receive_count="2")
    function(event)
    before = curated(provisioned)[batches[0].id.scored]
    shorter = replace(batches[0], table=batches[0].table.slice(0, batches[0].table.num_rows - 1))
    upload(provisioned, shorter)
    function(event)
    assert curated(provisioned)[batches[0].id.scored] != before


# What an operator sees.


def test_figures_and_logs_of_what_was_scored(
    function: Function, provisioned: "Provisioned", batches: list[Batch], model: Model
) -> None:
    counts = {b.id: score_batch(b, profile_of(batches), model).counts for b in batches}
    chosen = sorted(batches, key=lambda batch: counts[batch.id].anomalies)[-3:]
    assert counts[chosen[-1].id].anomalies > 0
    upload(provisioned, batches[0], *chosen)
    keys = [batch.id.raw for batch in chosen]
    answer = function(announcing(provisioned, "several_messages", *keys))

    expected = [counts[batch.id] for batch in chosen]
    assert answer.metrics["Rows"] == [each.rows for each in expected]
    assert answer.metrics["Anomalies"] == [each.anomalies for each in expected]
    assert answer.metrics["Unscorable"] == [each.unscorable for each in expected]
    assert all(0 < milliseconds < MINUTE * 1e3 for milliseconds in answer.metrics["Milliseconds"])
    assert len(answer.metrics["Milliseconds"]) == len(keys)
    assert answer.metrics["Failed"] == [0]
    assert "Quarantined" not in answer.metrics

    scored = answer.said("scored")
    assert [line["key"] for line in scored] == keys
    for line in answer.logs:
        assert {"level", "timestamp", "service", "function_request_id"} <= line.keys()
    assert {line["model"] for line in scored} == {model.version}


def test_readings_that_no_sensor_stands_behind_are_counted(
    function: Function, provisioned: "Provisioned", batches: list[Batch], model: Model
) -> None:
    """A recording whose sensors all fall silent after its first batch."""
    silent = [
        replace(
            batch,
            table=pa.table(
                [
                    pa.nulls(batch.table.num_rows, column.type) if name in batch.sensors else column
                    for name, column in zip(
                        batch.table.schema.names, batch.table.columns, strict=True
                    )
                ],
                names=batch.table.schema.names,
            ),
        )
        for batch in batches[1:3]
    ]
    upload(provisioned, batches[0], *silent)
    answer = function(announcing(provisioned, "one_object", silent[1].id.raw))
    assert answer.metrics["Unscorable"] == [silent[1].added_rows]
    assert answer.metrics["Rows"] == [silent[1].added_rows]


def ending(recording: Recording, last: int) -> Batch:
    """The recording's first batch, moved in time so that its last reading is at `last` (µs)."""
    first = next(cut(recording))
    moved = recording.microseconds + (last - int(first.microseconds[-1]))
    times = pa.array(moved).cast(TIMESTAMP_TYPE)
    return next(cut(replace(recording, table=recording.table.set_column(0, TIMESTAMP, times))))


def test_fresh_readings_have_a_lag(
    function: Function, provisioned: "Provisioned", eventful: Recording
) -> None:
    last = int((time.time() - MINUTE) * SECOND)
    batch = ending(eventful, last)
    upload(provisioned, batch)
    before = time.time()
    answer = function(announcing(provisioned, "one_object", batch.id.raw))
    (lag,) = answer.metrics["Lag"]
    assert before - last / SECOND <= lag <= time.time() - last / SECOND


@pytest.mark.parametrize("days", [-3, 3], ids=["of the past", "ahead of time"])
def test_a_replay_has_no_lag(
    function: Function, provisioned: "Provisioned", eventful: Recording, days: int
) -> None:
    batch = ending(eventful, int((time.time() + days * 86_400) * SECOND))
    upload(provisioned, batch)
    answer = function(announcing(provisioned, "one_object", batch.id.raw))
    assert answer.failed == []
    assert "Lag" not in answer.metrics


# The model may change while the function is warm.


@pytest.fixture
def clock(function: Function) -> Iterator[list[float]]:
    """The clock by which the function looks for a new model; set its one entry, in seconds."""
    now = [0.0]
    function.module.pipeline._model.clock = lambda: now[0]
    return now


@pytest.fixture
def stricter(model: Model) -> PackedModel:
    """Another model: the same with a threshold that nothing reaches."""
    return pack(replace(model.detector, threshold=model.detector.threshold * 10), model.training)


def test_a_new_model_is_used_within_a_minute(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    clock: list[float],
    packed: PackedModel,
    stricter: PackedModel,
) -> None:
    upload(provisioned, *batches[:2])
    event = announcing(provisioned, "one_object", batches[1].id.raw)
    function(event)
    assert version_used(provisioned, batches[1]) == packed.pointer.version

    provisioned.registry.publish(stricter)
    clock[0] += MINUTE
    assert function(event).failed == []
    assert version_used(provisioned, batches[1]) == stricter.pointer.version

    provisioned.registry.move(packed.pointer)
    clock[0] += MINUTE
    assert function(event).failed == []
    assert version_used(provisioned, batches[1]) == packed.pointer.version


@pytest.mark.parametrize("broken", ["missing", "altered", "not a pointer", "no pointer"])
def test_a_broken_new_model_leaves_the_old_one_going(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    clock: list[float],
    packed: PackedModel,
    stricter: PackedModel,
    broken: str,
) -> None:
    upload(provisioned, *batches[:2])
    event = announcing(provisioned, "one_object", batches[1].id.raw)
    function(event)

    if broken == "missing":
        provisioned.registry.move(Pointer("000000000000", stricter.pointer.sha256))
    elif broken == "altered":
        provisioned.registry.publish(stricter)
        key = model_key(stricter.pointer.version, FOREST_NAME)
        provisioned.models.put(key, stricter.forest[:-1], "application/octet-stream")
    else:
        provisioned.clients.ssm.put_parameter(
            Name=provisioned.settings.model_parameter,
            Value="latest" if broken == "not a pointer" else NO_MODEL,
            Type="String",
            Overwrite=True,
        )
    clock[0] += MINUTE
    answer = function(event)
    assert answer.failed == []
    assert version_used(provisioned, batches[1]) == packed.pointer.version
    told = [line for line in answer.logs if line["level"] == "ERROR"]
    assert packed.pointer.version in told[0]["message"]
    assert answer.metrics["ModelProblems"] == [1]

    provisioned.registry.publish(stricter)
    clock[0] += MINUTE
    function(event)
    assert version_used(provisioned, batches[1]) == stricter.pointer.version


# A recording's profile comes from its first batch, whichever batch is scored first.


def test_a_batch_waits_until_its_recording_s_first_batch_is_there(
    function: Function, provisioned: "Provisioned", batches: list[Batch], model: Model
) -> None:
    upload(provisioned, batches[1])
    event = announcing(provisioned, "one_object", batches[1].id.raw)
    answer = function(event)
    assert answer.failed == message_ids(event)
    assert batches[0].id.raw in answer.said("not scored")[0]["reason"]
    assert curated(provisioned) == {}

    upload(provisioned, batches[0])
    again = announcing(provisioned, "one_object", batches[1].id.raw, receive_count="2")
    assert function(again).failed == []
    etag = provisioned.raw.get(batches[1].id.raw, at_most=2**30).etag
    written = curated(provisioned)
    assert written[batches[1].id.scored] == expected_object(batches, 1, model, etag)
    assert not is_scored(provisioned, batches[0])
    learned = written[profile_key(batches[0].id.well, batches[0].id.recording)]
    assert learned == profiles.to_json(profile_of(batches))


def another_profile(batches: list[Batch]) -> Profile:
    """What another function might have written: every sensor's centre is a little higher."""
    right = profile_of(batches)
    sensors = {
        name: replace(sensor, centre=sensor.centre + sensor.spread)
        for name, sensor in right.sensors.items()
    }
    return replace(right, sensors=sensors)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_the_first_profile_that_is_written_stays(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    model: Model,
    wire: Wire,
    when: str,
) -> None:
    """Once it is there, the recording's first batch need not be."""
    upload(provisioned, *(batches[1:2] if when == "before" else batches[:2]))
    key = profile_key(batches[0].id.well, batches[0].id.recording)
    other = another_profile(batches)

    def somebody_else_writes(_: object = None) -> None:
        provisioned.curated.put(key, profiles.to_json(other), "application/json")

    if when == "before":
        somebody_else_writes()
    else:
        wire.faults["PutObject", key] = somebody_else_writes
    assert function(announcing(provisioned, "one_object", batches[1].id.raw)).failed == []

    written = curated(provisioned)
    assert written[key] == profiles.to_json(other)
    etag = provisioned.raw.get(batches[1].id.raw, at_most=2**30).etag
    scored = score_batch(batches[1], other, model)
    assert written[batches[1].id.scored] == encode_scored(scored, batches[1], model, etag)


# One message an event.


@pytest.fixture
def mailbox(provisioned: "Provisioned") -> Callable[[], list[dict[str, Any]]]:
    """A queue that subscribes to the alerts; gives those that came."""
    sqs, sns = provisioned.clients.sqs, provisioned.clients.sns
    url = sqs.create_queue(QueueName="operators")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=provisioned.settings.topic_arn, Protocol="sqs", Endpoint=arn["QueueArn"])

    def received() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
        return found

    return received


def test_an_event_is_told_once_however_often_its_batches_come(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    eventful: Recording,
    model: Model,
    mailbox: Callable[[], list[dict[str, Any]]],
) -> None:
    upload(provisioned, *batches)
    deliveries = [(batch, count) for batch in batches for count in ("1", "1", "2")]
    random.Random(3).shuffle(deliveries)
    told = 0.0
    for batch, count in deliveries:
        event = announcing(provisioned, "one_object", batch.id.raw, receive_count=count)
        answer = function(event)
        assert answer.failed == []
        told += sum(answer.metrics.get("Alerts", []))

    found = read_events(provisioned.curated)
    assert len(found) == len(opening(eventful, model)) > 0
    messages = mailbox()
    assert len(messages) == len(found) == told
    assert {message["well"] for message in messages} == {eventful.well}
    assert len({message["start"] for message in messages}) == len(found)


def test_an_alert_that_did_not_go_out_goes_out_at_the_next_delivery(
    function: Function,
    provisioned: "Provisioned",
    batches: list[Batch],
    model: Model,
    mailbox: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It comes when the claim of the one that failed has gone stale."""
    profile = profile_of(batches)
    batch = next(
        b for b in batches if any(run.opens for run in score_batch(b, profile, model).runs)
    )
    upload(provisioned, batches[0], batch)
    event = announcing(provisioned, "one_object", batch.id.raw)

    sns = function.module.pipeline._alerts._sns
    sns.meta.events.register("before-send.sns.Publish", cut_off)
    assert function(event).failed == message_ids(event)
    assert mailbox() == []
    assert is_scored(provisioned, batch), "the topic must not hold up the readings"

    sns.meta.events.unregister("before-send.sns.Publish", cut_off)
    monkeypatch.setattr(notify, "_CLAIM_SECONDS", 0.0)
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    assert function(event).failed == []
    opens = [run for run in score_batch(batch, profile, model).runs if run.opens]
    assert len(mailbox()) == len(opens)
