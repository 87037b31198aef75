"""One round on MiniStack, which evaluates policies: each as the one who is to do it, and no more.

The tests stand in the order in which a platform lives; the last one takes it down. What MiniStack
then holds is compared with what the embedded AWS holds after the same.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from streamlit.testing.v1 import AppTest

import ml.__main__ as ml
import producer.__main__ as producer
from dashboard.sql import athena
from dashboard.sql.engine import Query
from petrostream.aws.buckets import Bucket
from petrostream.aws.queues import queue_depth
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import ModelRegistry
from petrostream.schema.keys import ANNOTATIONS, READINGS, SCORED, SUMMARIES, parse_batch_key
from petrostream.scoring.totals import read_events
from petrostream.settings import PROJECT_ROOT
from tests.second._emulator import Caller
from tests.second.conftest import SUBJECT, Platform
from tests.support.catalog import partitions
from tests.support.pages import visit
from tests.support.pipeline import Scoring

if TYPE_CHECKING:
    from tests.conftest import Provisioned

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = [
    pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops"),
    pytest.mark.timeout(600),
]

WELL = "WELL-90005"
SECONDS_TO_SCORE = 180
DAYS = (date(2017, 1, 1), date(2024, 12, 31))


def is_refusal(error: ClientError) -> bool:
    answer = error.response
    return answer["ResponseMetadata"]["HTTPStatusCode"] == 403 or (
        "AccessDenied" in answer["Error"]["Code"]
    )


@contextmanager
def refused() -> Iterator[None]:
    """AWS says no, for lack of permission."""
    with pytest.raises(ClientError) as error:
        yield
    assert is_refusal(error.value), error.value


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call of this process that was refused so far, also where the program goes on."""
    found: list[str] = []
    original: Callable[..., Any] = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        try:
            return original(client, operation, parameters)
        except ClientError as error:
            if is_refusal(error):
                found.append(f"{client.meta.service_model.service_name}:{operation}")
            raise

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return found


def test_only_the_named_branch_and_environment_get_a_role(platform: Platform) -> None:
    for role, subject in (
        ("plan", f"{SUBJECT}:pull_request"),
        ("plan", f"{SUBJECT}:ref:refs/heads/other"),
        ("plan", "repo:acme/wells:ref:refs/heads/main"),  # a new owner of the old name
        ("deploy", f"{SUBJECT}:ref:refs/heads/main"),
        ("deploy", f"{SUBJECT}:environment:staging"),
    ):
        with refused():
            platform.workflow(role, subject)


def test_the_plan_role_plans_and_can_not_write(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = platform.plans
    platform.use(caller, monkeypatch)
    facts = platform.up(only_plan=True)
    assert facts["changes"] and {one["action"] for one in facts["changes"]} == {"create"}
    with refused():
        caller.client("s3").create_bucket(Bucket="planned")
    with refused():
        caller.client("sqs").create_queue(QueueName="planned")
    with refused():
        caller.client("iam").create_user(UserName="planned")
    with refused():
        caller.client("s3").put_object(
            Bucket=platform.variables["TF_STATE_BUCKET"],
            Key="petrostream/terraform.tfstate",
            Body=b"{}",
        )


def test_the_deploy_role_brings_it_up(
    platform: Platform, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = platform.deploys
    platform.use(caller, monkeypatch)
    assert platform.up(data=wells)["applied"]
    iam = caller.client("iam")
    with refused():
        iam.create_user(UserName="deployed")
    with refused():
        iam.create_role(RoleName="deployed", AssumeRolePolicyDocument="{}")
    with refused():
        iam.attach_role_policy(
            RoleName="petrostream-scoring",
            PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess",
        )


def test_the_plan_role_sees_that_nothing_is_to_be_done(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.use(platform.plans, monkeypatch)
    changes = platform.up(only_plan=True)["changes"]
    assert [one for one in changes if not said_falsely(one)] == []


def said_falsely(change: dict[str, str]) -> bool:
    """MiniStack's answer about an alarm lacks its dimensions, period and statistic."""
    is_alarm = ".aws_cloudwatch_metric_alarm." in change["address"]
    return is_alarm and change["action"] == "update"


def act_as(caller: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    caller.use(monkeypatch, platform.names)
    st.cache_resource.clear()


def test_the_engineer_publishes_a_model_and_nothing_else(
    platform: Platform, packed: PackedModel, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engineer = platform.user("engineer", "engineer")
    act_as(engineer, platform, monkeypatch)
    settings = platform.settings
    registry = ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)
    registry.publish(packed)
    assert ml.main(["list"]) == 0
    assert registry.pointer() == packed.pointer
    assert refusals == []
    s3 = engineer.client("s3")
    with refused():
        s3.put_object(Bucket=settings.raw_bucket, Key=f"{READINGS}x", Body=b"")
    with refused():
        s3.put_object(Bucket=settings.curated_bucket, Key=f"{SCORED}x", Body=b"")
    with refused():
        s3.delete_object(
            Bucket=settings.models_bucket, Key=f"models/{packed.pointer.version}/model.json"
        )
    with refused():
        engineer.client("sqs").receive_message(QueueUrl=settings.queue_url)


def test_the_producer_uploads_and_nothing_else(
    platform: Platform, wells: Path, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uploader = platform.user("producer", "producer")
    act_as(uploader, platform, monkeypatch)
    for _ in range(2):  # the second time it finds everything there
        assert producer.main(["replay", str(wells), "--speed=max"]) == 0
    assert refusals == []
    settings = platform.settings
    s3 = uploader.client("s3")
    key = next(iter(platform.bucket("raw").keys(READINGS)))
    with refused():
        s3.delete_object(Bucket=settings.raw_bucket, Key=key)
    with refused():
        s3.get_object(Bucket=settings.curated_bucket, Key=f"{SCORED}x")
    with refused():
        s3.put_object(Bucket=settings.models_bucket, Key="models/x/model.json", Body=b"")
    with refused():
        uploader.client("ssm").put_parameter(
            Name=settings.model_parameter, Value="mine", Type="String", Overwrite=True
        )


WHAT_LAMBDA_KNOWS = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": [
            "lambda:GetEventSourceMapping",
            "lambda:GetFunctionConfiguration",
            "lambda:ListEventSourceMappings",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueUrl",
        ],
        "Resource": "*",
    },
}
"""Lambda itself needs no permission for these; the worker that stands in for it does."""


def role_policies(platform: Platform) -> list[dict[str, Any]]:
    """What the function's role allows."""
    iam, role = platform.ministack.root.client("iam"), platform.settings.function_name
    assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [iam.get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in names]


@contextmanager
def lambda_working(platform: Platform, caller: Caller, log: Path) -> Iterator[None]:
    """The worker beside MiniStack, whose own Lambda can't run images without Docker."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {**kept, **platform.names, **caller.environment}
    with (
        log.open("w") as sink,
        subprocess.Popen(
            [sys.executable, "-m", "petrostream.local.worker", "--slots=2"],
            cwd=PROJECT_ROOT, env=environment, stdout=sink, stderr=sink,
        ) as process,
    ):  # fmt: skip
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_SCORE
    while not condition():
        assert time.monotonic() < deadline, f"not scored in time:\n{log.read_text()[-5000:]}"
        time.sleep(0.5)


def test_the_function_scores_with_its_roles_policies_and_nothing_else(
    platform: Platform, tmp_path: Path
) -> None:
    of_the_role = role_policies(platform)
    function = platform.ministack.user("function", *of_the_role)
    worker = platform.ministack.user("worker", *of_the_role, WHAT_LAMBDA_KNOWS)
    raw, curated, log = platform.bucket("raw"), platform.bucket("curated"), tmp_path / "worker.log"
    batches = len(list(raw.keys(READINGS)))
    with lambda_working(platform, worker, log):
        wait_for(lambda: len(list(curated.keys(SUMMARIES))) >= batches, log)
        wait_for(lambda: not any(waiting(platform).values()), log)
    assert "AccessDenied" not in log.read_text()
    assert "lack of permission" not in log.read_text()
    glue = platform.ministack.root.client("glue")
    announced = {name.split()[0] for name in partitions(glue, "scored")}
    assert announced == {parse_batch_key(key).well for key in curated.keys(SCORED)}
    settings, s3 = platform.settings, function.client("s3")
    with refused():
        s3.put_object(Bucket=settings.raw_bucket, Key=f"{READINGS}x", Body=b"")
    with refused():
        s3.put_object(Bucket=settings.models_bucket, Key="models/x/model.json", Body=b"")
    with refused():
        s3.put_object(Bucket=settings.curated_bucket, Key=f"{ANNOTATIONS}x", Body=b"")
    with refused():
        s3.delete_object(Bucket=settings.curated_bucket, Key=next(iter(curated.keys(SCORED))))
    with refused():
        function.client("ssm").put_parameter(
            Name=settings.model_parameter, Value="mine", Type="String", Overwrite=True
        )


def waiting(platform: Platform) -> dict[str, int]:
    """How many messages are in each queue, whichever queues there are."""
    sqs = platform.ministack.root.client("sqs")
    urls = sqs.list_queues(QueueNamePrefix=platform.stack["outputs"]["name"])["QueueUrls"]
    return {url: queue_depth(url, sqs).total for url in urls}


def test_the_plan_role_reads_no_data(platform: Platform) -> None:
    caller, settings = platform.plans, platform.settings
    s3, sqs = caller.client("s3"), caller.client("sqs")
    for kind in ("raw", "curated", "models"):
        bucket = platform.bucket(kind)
        with refused():
            s3.get_object(Bucket=bucket.name, Key=next(iter(bucket.keys(""))))
    for url in waiting(platform):
        with refused():
            sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    with refused():
        caller.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{settings.function_name}"
        )


MAY_DIFFER = ("claims/",)
"""Whose bytes say who uploaded, and when."""


def test_every_object_equals_the_one_on_the_embedded_aws(
    platform: Platform,
    provisioned: "Provisioned",
    packed: PackedModel,
    wells: Path,
) -> None:
    embedded = Scoring(provisioned, packed)
    assert producer.main(["replay", str(wells), "--speed=max"]) == 0
    embedded.score(sorted(provisioned.raw.keys(READINGS)))
    number = 0
    for kind, prefix in (
        ("raw", ""),
        ("curated", ""),
        ("models", f"models/{packed.pointer.version}/"),
    ):
        here = contents(getattr(provisioned, kind), prefix)
        there = contents(platform.bucket(kind), prefix)
        assert here.keys() == there.keys()
        assert [key for key in here if here[key] != there[key]] == []
        number += len(here)
    assert number > 100


def contents(bucket: Bucket, prefix: str) -> dict[str, Any]:
    """Every object's bytes, kind and metadata, by its key."""
    return {key: found(bucket, key) for key in bucket.keys(prefix)}


def found(bucket: Bucket, key: str) -> Any:
    answer = bucket._s3.get_object(Bucket=bucket.name, Key=key)
    body = b"" if key.startswith(MAY_DIFFER) else answer["Body"].read()
    return body, answer["ContentType"], answer["Metadata"]


PAGES = ("fleet", "well", "alarms", "accuracy", "quality", "pipeline", "explore")


def test_the_dashboard_reads_and_nothing_else(
    platform: Platform, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = platform.user("dashboard", "dashboard")
    act_as(viewer, platform, monkeypatch)
    for page in PAGES:
        shown = visit(page)
        assert not shown.error, (page, [each.value for each in shown.error])
        assert refusals == [], page
    press(visit("explore"), "Run")
    assert refusals == []
    assert WELL in str(visit("fleet"))
    settings, s3 = platform.settings, viewer.client("s3")
    with refused():
        s3.put_object(Bucket=settings.curated_bucket, Key=f"{ANNOTATIONS}x", Body=b"")
    with refused():
        s3.put_object(Bucket=settings.raw_bucket, Key=f"{READINGS}x", Body=b"")
    with refused():
        s3.delete_object(
            Bucket=settings.curated_bucket,
            Key=next(iter(platform.bucket("curated").keys(SCORED))),
        )
    with refused():
        viewer.client("sqs").receive_message(QueueUrl=settings.dead_letter_queue_url)
    with refused():
        viewer.client("glue").create_database(DatabaseInput={"Name": "mine"})


def test_a_right_that_is_missing_would_be_seen(
    platform: Platform, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = json.loads(platform.policies["dashboard"])
    policy["Statement"] = [one for one in policy["Statement"] if one["Sid"] != "HowManyWait"]
    act_as(platform.ministack.user("half", policy), platform, monkeypatch)
    visit("pipeline")
    assert set(refusals) == {"sqs:GetQueueAttributes"}


def test_the_dashboards_athena_finds_every_row_that_was_scored(
    platform: Platform, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = platform.user("analyst", "dashboard")
    act_as(asker, platform, monkeypatch)
    # DuckDB, which answers for MiniStack's Athena, can't validate a query without running it
    monkeypatch.setattr(athena, "validation", lambda _text: "SELECT 1")
    outputs = platform.stack["outputs"]
    workgroup = athena.Workgroup(outputs["athena_workgroup"], outputs["glue_database"])
    query = Query("SELECT well, count(*) AS number FROM scored GROUP BY well", *DAYS)
    found = athena.Athena(workgroup).run(query).rows.set_index("well")["number"].to_dict()
    assert refusals == []
    curated = platform.bucket("curated")
    rows: Counter[str] = Counter()
    for key in curated.keys(SCORED):
        body = pa.BufferReader(curated.get(key, at_most=2**26).body)
        rows[parse_batch_key(key).well] += pq.read_metadata(body).num_rows
    assert found == rows
    with refused():
        asker.client("athena").start_query_execution(QueryString="SELECT 1", WorkGroup="primary")


def test_the_operator_says_what_of_an_alarm_and_moves_dead_letters(
    platform: Platform, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = platform.user("operator", "dashboard", "operator")
    act_as(operator, platform, monkeypatch)
    settings, curated = platform.settings, platform.bucket("curated")
    event = read_events(curated)[0]
    alarm = f"{event.well}/{event.recording}/{event.start}"
    page = visit("alarms", alarm=alarm, who="Ana")
    press(page, "True alarm")
    assert len(list(curated.keys(ANNOTATIONS))) == 1
    platform.ministack.root.client("sqs").send_message(
        QueueUrl=settings.dead_letter_queue_url, MessageBody="{}"
    )
    press(visit("pipeline"), "Look at")
    assert refusals == []
    sqs, s3 = operator.client("sqs"), operator.client("s3")
    dead = sqs.get_queue_attributes(
        QueueUrl=settings.dead_letter_queue_url, AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    with pytest.raises(ClientError, match="InvalidAction"):  # allowed, and MiniStack has it not
        sqs.start_message_move_task(SourceArn=dead)
    with refused():
        platform.user("onlooker", "dashboard").client("sqs").start_message_move_task(SourceArn=dead)
    with refused():
        s3.put_object(Bucket=settings.curated_bucket, Key=f"{SCORED}x", Body=b"")
    with refused():
        s3.delete_object(Bucket=settings.curated_bucket, Key=next(iter(curated.keys(ANNOTATIONS))))
    with refused():
        sqs.receive_message(QueueUrl=settings.queue_url)
    with refused():
        sqs.purge_queue(QueueUrl=settings.dead_letter_queue_url)


def press(page: AppTest, label: str) -> AppTest:
    [button] = [each for each in page.button if each.label.startswith(label)]
    pressed = button.click().run()
    assert not pressed.exception and not pressed.error, pressed
    return pressed


def test_the_engineer_looks_for_drift_and_commissions_anew(
    platform: Platform, refusals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    act_as(platform.user("upkeep", "engineer"), platform, monkeypatch)
    assert ml.main(["drift"]) in {0, 4, 5}
    assert ml.main(["recommission", WELL]) == 0
    assert ml.main(["rollback"]) == 0
    assert refusals == []


def test_the_deploy_role_takes_it_down(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.use(platform.deploys, monkeypatch)
    facts = platform.down()
    assert facts["destroyed"] > 0
    assert facts["leftovers"] == [] and facts["not_seen"] == []
