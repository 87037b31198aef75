"""One round of the whole: apply, plan again, run the pipeline through it, destroy, nothing left.

The tests stand in the order in which a user would go; the last one destroys.
"""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import ml.__main__ as ml
import producer.__main__ as producer
from dashboard.curated.bucket import Curated
from dashboard.sql.athena import Athena, Workgroup
from dashboard.sql.engine import Query
from deploy.account import leftovers, teardown
from deploy.account.leftovers import Place
from deploy.root import with_image
from petrostream.alarms.annotations import Annotation, AnnotationKind, Annotations
from petrostream.aws.buckets import Bucket
from petrostream.aws.queues import queue_depth
from petrostream.ingest.batches import cut, decode, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import find_recordings, read_recordings
from petrostream.local import stack
from petrostream.local.endpoint import ACCOUNT, HOST, REGION, environment
from petrostream.local.execution import InvocationContext
from petrostream.local.function import Function
from petrostream.local.resources import FUNCTION_TIMEOUT_SECONDS, Clients, outputs, provision
from petrostream.local.worker import sqs_event
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import ModelRegistry
from petrostream.schema.keys import (
    CLAIMS,
    QUARANTINE,
    REASON_SUFFIX,
    SCORED,
    SUFFIX,
    SUMMARIES,
    BatchId,
    parse_batch_key,
    quarantine_key,
)
from petrostream.scoring.totals import read_events
from petrostream.settings import PROJECT_ROOT, Settings, variable
from tests.infrastructure._described import described
from tests.infrastructure._iam import Permission, Recorder, granted, missing, spare
from tests.infrastructure.conftest import Terraformed
from tests.support.catalog import DATABASE, make_tables, partitions
from tests.support.pages import page_script
from tests.support.pipeline import Scoring

if TYPE_CHECKING:
    from tests.conftest import Provisioned

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = [
    pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops"),
    pytest.mark.timeout(600),
]

WELL, OTHER = "WELL-90005", "WELL-90001"
VARIABLES = {
    "region": REGION,
    "allowed_account_ids": [ACCOUNT],
    "max_retries": 2,
    "function_timeout_seconds": FUNCTION_TIMEOUT_SECONDS,
}


def variables(clients: Clients, function: str) -> dict[str, Any]:
    """The variables that the root was applied with."""
    uri = clients.lambda_.get_function(FunctionName=function)["Code"]["ImageUri"]
    return with_image(VARIABLES, uri.partition("@")[2])


def test_a_second_plan_is_empty(terraformed: Terraformed) -> None:
    given = variables(Clients.connect(), terraformed.settings.function_name)
    with terraformed.terraform.plan(given) as plan:
        assert plan.is_empty, terraformed.terraform.describe(plan)


@contextmanager
def quickly_provisioned(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Settings]]:
    """Another embedded AWS, provisioned as `make demo` does it."""
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.server"],
        cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        endpoint = f"http://{HOST}:{int(process.stdout.readline())}"
        with monkeypatch.context() as patch:
            for name, value in environment(endpoint).items():
                patch.setenv(name, value)
            clients = Clients.connect()
            yield endpoint, provision(clients)
        process.terminate()


def lines(document: Any) -> list[str]:
    return json.dumps(document, indent=1, sort_keys=True).splitlines()


def test_what_terraform_makes_equals_what_the_demo_makes(
    terraformed: Terraformed, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = terraformed.environment["AWS_ENDPOINT_URL"]
    by_terraform = described(Clients.connect(), terraformed.settings)
    with quickly_provisioned(monkeypatch) as (other, settings):
        by_python = described(Clients.connect(), settings)
        quick_outputs = outputs(Clients.connect(), settings)
        names = {
            name: value.replace(other, endpoint)
            for name, value in settings.to_environment().items()
        }
    assert [line.replace(other, endpoint) for line in lines(by_python)] == lines(by_terraform)
    assert names.items() <= terraformed.outputs["environment"].items()
    assert Settings.load(environment=names) == terraformed.settings
    of_its_own = {"mapping_uuid", "retries_mapping_uuid"}
    given = {name: value for name, value in quick_outputs.items() if name not in of_its_own}
    assert {name: terraformed.outputs[name] for name in given} == given
    assert of_its_own <= terraformed.outputs.keys()


def test_the_worker_scores_what_is_replayed_with_the_settings_that_terraform_made(
    terraformed: Terraformed, wells: Path, packed: PackedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = terraformed.settings
    assert (
        Function.read(Clients.connect().lambda_, settings.function_name).timeout_seconds
        == FUNCTION_TIMEOUT_SECONDS
    )
    ModelRegistry(terraformed.bucket("models"), settings.model_parameter).publish(packed)
    arguments = ["replay", str(wells), "--speed=max", f"--wells={OTHER}", "--json"]
    assert producer.main(arguments) == 0
    replayed = json.loads(capsys.readouterr().out.splitlines()[-1])
    stack.wait_until_idle(settings, terraformed.stack)
    assert queue_depth(settings.dead_letter_queue_url).total == 0
    curated = terraformed.bucket("curated")
    rows = sum(
        pq.read_metadata(pa.BufferReader(curated.get(key, at_most=2**26).body)).num_rows
        for key in curated.keys(f"{SCORED}well={OTHER}/")
    )
    assert rows == replayed["rows"] > 0
    found = partitions(boto3.client("glue"), "scored")
    assert {well for well, _ in map(str.split, found)} == {OTHER}, "SQL does not find the well"
    assert all(list(curated.keys(one["Location"].split("/", 3)[3])) for one in found.values())


@pytest.fixture(scope="module")
def policies(session_stack: Terraformed) -> dict[str, Any]:
    """What the function's role allows its handler, and what is offered to the others."""
    iam = boto3.client(
        "iam",
        region_name=REGION,
        endpoint_url=session_stack.environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    role = iam.get_role_policy(RoleName=session_stack.settings.function_name, PolicyName="scoring")
    return {"handler": role["PolicyDocument"], **session_stack.outputs["policies"]}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Recorder], AbstractContextManager[None]]:
    return lambda recorder: recorder.recording(monkeypatch)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(ACCOUNT, REGION)


def held_against(recorder: Recorder, policy: str | dict[str, Any]) -> None:
    given = granted(policy)
    assert missing(recorder.needed, given) == [], "the program would be refused this"
    assert spare(recorder.needed, given) == [], "the program is allowed this and never does it"


class Handler:
    """The function in this process, fed from the queue as Lambda feeds it."""

    def __init__(self, provisioned: "Provisioned") -> None:
        self._provisioned = provisioned
        spec = importlib.util.spec_from_file_location("app", PROJECT_ROOT / "lambda" / "app.py")
        assert spec is not None and spec.loader is not None
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)

    def waiting(self) -> list[Any]:
        """Every message that waits, taken from the queue."""
        queue, found = self._provisioned.settings.queue_url, []
        while messages := self._provisioned.clients.sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", []):
            found += messages
        return found

    @property
    def pipeline(self) -> Any:
        return self._module.pipeline

    def take(self, messages: list[Any], *, again: bool = False) -> None:
        for message in messages:
            message["Attributes"]["ApproximateReceiveCount"] = "2" if again else "1"
            self._invoke([message])

    def take_together(self, messages: list[Any]) -> None:
        """An event of messages that come again: they are left for a try alone."""
        for message in messages:
            message["Attributes"]["ApproximateReceiveCount"] = "2"
        self._invoke(messages)

    def _invoke(self, messages: list[Any]) -> None:
        event = sqs_event(messages, f"arn:aws:sqs:{REGION}:{ACCOUNT}:petrostream-ingest")
        self._module.handler(event, InvocationContext("1", time.monotonic() + 60))


def test_the_handler_is_allowed_what_it_does_and_nothing_else(
    policies: dict[str, Any],
    provisioned: "Provisioned",
    packed: PackedModel,
    wells: Path,
    recorder: Recorder,
    calls: Callable[[Recorder], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provisioned.registry.publish(packed)
    make_tables(provisioned.settings.curated_bucket)
    monkeypatch.setenv(variable("catalog"), DATABASE)
    with calls(recorder):
        handler = Handler(provisioned)
    assert producer.main(["replay", str(wells), "--speed=max", f"--wells={WELL}"]) == 0
    replayed = handler.waiting()
    with calls(recorder):
        handler.take(replayed)
    quiet = next(
        key for key in provisioned.curated.keys(SCORED)
        if provisioned.curated.metadata(parse_batch_key(key).events) is None
    )  # fmt: skip
    provisioned.curated.put(parse_batch_key(quiet).events, b"{}", "application/json")
    with calls(recorder):
        handler.take(replayed)  # withdraws an event that is none
        handler.take(replayed, again=True)
        handler.take_together(replayed[:2])
        with replaced_once(handler, provisioned, parse_batch_key(quiet), recorder):
            handler.take(replayed)  # withdraws the summary of the older object
    for key in every_kind_of_trouble(provisioned, wells):
        provisioned.raw.put(key[0], key[1], "application/octet-stream")
    trouble = handler.waiting()
    with calls(recorder):
        handler.take(trouble)
    set_aside(provisioned.curated, parse_batch_key(quiet).raw)
    with calls(recorder):
        handler.take(replayed)  # withdraws what was set aside
    provisioned.registry.move(replace(packed.pointer, version="gone"))
    with calls(recorder):
        Handler(provisioned).take(trouble)
    assert any(key.endswith(SUFFIX) for key in provisioned.curated.keys(QUARANTINE))
    held_against(recorder, policies["handler"])


def set_aside(curated: Bucket, key: str) -> None:
    """Leave what an earlier object under a key, which was no batch, has left."""
    for name in (quarantine_key(key), f"{quarantine_key(key)}{REASON_SUFFIX}"):
        curated.put(name, b"{}", "application/json")


@contextmanager
def replaced_once(
    handler: Handler, provisioned: "Provisioned", batch: BatchId, recorder: Recorder
) -> Iterator[None]:
    """Somebody else writes a shorter batch under the key, just when the first one is scored."""
    pipeline = handler.pipeline
    look = pipeline._is_still_there
    stored = decode(provisioned.raw.get(batch.raw, at_most=2**26).body, batch)
    shorter = replace(stored, table=stored.table.slice(0, stored.table.num_rows - 60))

    def replacing(raw: RawObject, etag: str) -> bool:
        if raw.key == batch.raw and raw.etag:  # the first look, not the second
            needed = set(recorder.needed)
            provisioned.raw.put(batch.raw, encode(shorter), "application/octet-stream")
            recorder.needed = needed
        return look(raw, etag)

    pipeline._is_still_there = replacing
    yield
    pipeline._is_still_there = look


def every_kind_of_trouble(provisioned: "Provisioned", wells: Path) -> list[tuple[str, bytes]]:
    """Objects that are no batches, and a batch that comes before its recording's first."""
    recording = next(iter(read_recordings(find_recordings(wells, wells=[OTHER])[0], [])))
    _, second, *_ = cut(recording)
    bad = f"readings/well={WELL}/date=2017-02-01/{WELL}_20170201000000-20170201T000000.parquet"
    return [(bad, b"no Parquet"), (second.id.raw, encode(second))]


def test_the_producer_is_allowed_what_it_does_and_nothing_else(
    policies: dict[str, Any],
    provisioned: "Provisioned",
    wells: Path,
    recorder: Recorder,
    calls: Callable[[Recorder], AbstractContextManager[None]],
) -> None:
    def replay() -> None:
        with calls(recorder):
            assert producer.main(["replay", str(wells), "--speed=max", f"--wells={WELL}"]) == 0

    replay()
    replay()  # looks what is there already, and whose it is
    for key in list(provisioned.raw.keys(CLAIMS)):
        provisioned.raw.delete(key)
    replay()  # an older release uploaded it: compares
    held_against(recorder, policies["producer"])


def test_the_engineer_is_allowed_what_the_models_commands_do_and_nothing_else(
    policies: dict[str, Any],
    provisioned: "Provisioned",
    packed: PackedModel,
    wells: Path,
    tmp_path: Path,
    recorder: Recorder,
    calls: Callable[[Recorder], AbstractContextManager[None]],
) -> None:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [WELL]))
    with calls(recorder):
        options = ["train", str(wells), "--trees=5", "--limit=2", f"--into={tmp_path}"]
        assert ml.main(options) == 0
        for command in (
            ["list"],
            ["rollback"],
            ["rollback", "--to", packed.pointer.version],
            ["limits"],
            ["recommission", WELL],
        ):
            assert ml.main(command) == 0
        assert ml.main(["rollback", "--to", "never-was"]) == 2
        assert ml.main(["drift"]) in {0, 4, 5}
    held_against(recorder, policies["engineer"])


PAGES = ("fleet", "well", "alarms", "accuracy", "quality", "pipeline", "explore")


def visit(page: str, **parameters: str) -> AppTest:
    app = page_script(page)
    for name, value in ({"live": "off"} | parameters).items():
        app.query_params[name] = value
    return seen(app.run())


def seen(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    [button] = [each for each in page.button if each.label.startswith(label)]
    return seen(button.click().run())


@pytest.fixture
def looked_after(provisioned: "Provisioned", packed: PackedModel, wells: Path) -> "Provisioned":
    """A scored well, something in quarantine, a dead letter, and something said of an alarm."""
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [WELL]))
    (key, body), _ = every_kind_of_trouble(provisioned, wells)
    provisioned.raw.put(key, body, "application/octet-stream")
    scoring.pipeline.process(RawObject(key))
    event = read_events(provisioned.curated)[0]
    said = (event.well, event.recording, event.start, event.end)
    when = datetime(2026, 11, 21)
    Annotations(provisioned.curated).add(
        Annotation(*said, AnnotationKind.ACKNOWLEDGED, "Ana", when)
    )
    bury(provisioned, "{}")
    st.cache_resource.clear()
    return provisioned


def test_the_dashboard_is_allowed_what_it_does_and_nothing_else(
    policies: dict[str, Any],
    looked_after: "Provisioned",
    recorder: Recorder,
    calls: Callable[[Recorder], AbstractContextManager[None]],
) -> None:
    boto3.client("athena").create_work_group(Name="petrostream")
    with calls(recorder):
        for page in PAGES:
            visit(page)
        visit("well", time="7 d")
        press(visit("explore"), "Run")
        ask_athena()
        read_summaries(looked_after)
    held_against(recorder, policies["dashboard"])


def read_summaries(provisioned: "Provisioned") -> None:
    """Read what the page of a well reads where more than a day of it is asked for."""
    keys = list(provisioned.curated.keys(SUMMARIES))
    _, unread = Curated(provisioned.settings.curated_bucket).figures(keys, at_once=len(keys))
    assert not unread


def ask_athena() -> None:
    """Ask as on AWS; the embedded AWS knows no workgroup here, and has no rows."""
    days = (date(2017, 2, 1), date(2017, 2, 28))
    client = boto3.client("athena")
    Athena(Workgroup("petrostream", "petrostream"), client).run(Query("SELECT 1", *days))
    started = client.start_query_execution(QueryString="SELECT 1", WorkGroup="petrostream")
    client.stop_query_execution(QueryExecutionId=started["QueryExecutionId"])


_PLACE = f"{REGION}:{ACCOUNT}"
_BUCKET = "arn:aws:s3:::petrostream-{kind}-" + f"{ACCOUNT}-{REGION}"
_CURATED = _BUCKET.format(kind="curated")
_TABLE = f"arn:aws:glue:{_PLACE}:table/petrostream"
_RAW, _RESULTS = _BUCKET.format(kind="raw"), _BUCKET.format(kind="results")
_WORKGROUP = f"arn:aws:athena:{_PLACE}:workgroup"


@pytest.mark.parametrize(
    ("text", "action", "resource"),
    [
        ("CREATE TABLE t AS SELECT …", "glue:CreateTable", f"{_TABLE}/t"),
        ("CREATE VIEW v AS SELECT …", "glue:CreateTable", f"{_TABLE}/v"),
        ("CREATE EXTERNAL TABLE … LOCATION 's3://raw/'", "glue:CreateTable", f"{_TABLE}/t"),
        ("CREATE DATABASE d", "glue:CreateDatabase", f"arn:aws:glue:{_PLACE}:database/d"),
        ("ALTER TABLE scored SET LOCATION …", "glue:UpdateTable", f"{_TABLE}/scored"),
        ("ALTER TABLE scored ADD PARTITION …", "glue:BatchCreatePartition", f"{_TABLE}/scored"),
        ("DROP TABLE scored", "glue:DeleteTable", f"{_TABLE}/scored"),
        ("INSERT INTO scored …", "s3:PutObject", f"{_CURATED}/scored/well=x/date=d/new"),
        ("UNLOAD … TO a bucket of ours", "s3:PutObject", f"{_RAW}/readings/x"),
        ("UNLOAD … TO another's bucket", "s3:PutObject", "arn:aws:s3:::anothers/x"),
        ("DELETE FROM scored", "s3:DeleteObject", f"{_CURATED}/scored/well=x/date=d/old"),
        ("results removed", "s3:DeleteObject", f"{_RESULTS}/athena/result.csv"),
        ("results elsewhere", "s3:PutObject", f"{_RESULTS}/other/result.csv"),
        ("another's table", "glue:GetTable", f"arn:aws:glue:{_PLACE}:table/others/payroll"),
        ("USING EXTERNAL FUNCTION … LAMBDA", "lambda:InvokeFunction", "*"),
        ("a workgroup without limits", "athena:StartQueryExecution", f"{_WORKGROUP}/primary"),
        ("no limits any more", "athena:UpdateWorkGroup", f"{_WORKGROUP}/petrostream"),
        ("PREPARE", "athena:CreatePreparedStatement", f"{_WORKGROUP}/petrostream"),
        ("a notebook", "athena:StartSession", f"{_WORKGROUP}/petrostream"),
    ],
)  # fmt: skip
def test_whatever_is_asked_of_athena_nothing_is_changed_or_reached_elsewhere(
    policies: dict[str, Any], text: str, action: str, resource: str
) -> None:
    needed = {Permission(action, resource)}
    given = granted(policies["dashboard"]) | granted(policies["operator"])
    assert missing(needed, given), f"{text} would be allowed"
    assert not any("*" in each.action for each in given), "an action is named in full"


def test_the_operator_is_allowed_what_the_pages_offer_and_nothing_else(
    policies: dict[str, Any],
    looked_after: "Provisioned",
    recorder: Recorder,
    calls: Callable[[Recorder], AbstractContextManager[None]],
) -> None:
    event = read_events(looked_after.curated)[0]
    alarm = f"{event.well}/{event.recording}/{event.start}"
    bury(looked_after, BODY_OF_AN_ANNOUNCEMENT.format(bucket=looked_after.raw.name))
    with calls(recorder):
        press(visit("alarms", alarm=alarm, who="Ana"), "True alarm")
        page = visit("pipeline")
        press(page, "Look at")
        press(press(page, "Move back"), "Move 2 messages")
    given = granted(policies["dashboard"]) | granted(policies["operator"])
    assert missing(recorder.needed, given) == [], "the operator would be refused this"
    assert spare(recorder.needed, granted(policies["operator"])) == []


BODY_OF_AN_ANNOUNCEMENT = (
    '{{"Records": [{{"eventName": "ObjectCreated:Put", "s3": {{"bucket": {{"name": "{bucket}"}}, '
    '"object": {{"key": "readings/well=W/date=2017-02-01/r-20170201T000000.parquet"}}}}}}]}}'
)


def bury(provisioned: "Provisioned", body: str) -> None:
    provisioned.clients.sqs.send_message(
        QueueUrl=provisioned.settings.dead_letter_queue_url, MessageBody=body
    )


def test_all_of_it_is_destroyed_old_versions_and_delete_markers_too(
    terraformed: Terraformed,
) -> None:
    """The last test: nothing is there afterwards."""
    clients, settings = Clients.connect(), terraformed.settings
    curated = terraformed.bucket("curated")
    key = next(iter(curated.keys(SCORED)))
    curated.put(key, b"another version", "text/plain")
    curated.delete(key)
    listed = clients.s3.list_object_versions(Bucket=curated.name, Prefix=key)
    assert len(listed["Versions"]) > 1 and listed["DeleteMarkers"]
    runner = terraformed.terraform
    held = teardown.holdings(runner.resources())
    assert set(held.buckets) == set(terraformed.outputs["buckets"].values())
    for mapping in held.mappings:
        teardown.pause(mapping)
    for bucket in held.buckets:
        teardown.empty(bucket)
    for repository in held.repositories:
        teardown.empty_repository(repository)
    given = variables(clients, settings.function_name)
    number = len(runner.resources())
    assert runner.destroy(given) == number
    proof = leftovers.prove(Place("petrostream", ACCOUNT, REGION), wait_seconds=0)
    assert proof.is_clean, proof
    assert runner.resources() == []
