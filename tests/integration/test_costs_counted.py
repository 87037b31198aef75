"""The printed bill counts what is called: by batches and open pages that are run here."""

import importlib.util
import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st

from dashboard.curated import listing_follower
from dashboard.shell import page_frame
from dashboard.views.pipeline import asked_lately
from petrostream.alarms.notify import Alerts
from petrostream.aws import costs
from petrostream.aws.costs import OpenPage
from petrostream.aws.partitions import Partitions
from petrostream.aws.prices import Item
from petrostream.ingest.notifications import RawObject
from petrostream.local.endpoint import ACCOUNT, REGION
from petrostream.local.execution import InvocationContext
from petrostream.local.worker import sqs_event
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import EVENTS, parse_batch_key
from petrostream.scoring.pipeline import Disposition, Pipeline
from petrostream.settings import PROJECT_ROOT
from tests.support.catalog import DATABASE, make_tables
from tests.support.counted_calls import CallCounts, counted
from tests.support.pages import QUIET, WELL, visit
from tests.support.pipeline import Scoring

BATCH_SECONDS = 600.0
TWO_MINUTES = 2 * 60 // costs.REFRESH_SECONDS
WRITES = ("s3:PutObject", "s3:CopyObject", "s3:ListObjectsV2")
READS = ("s3:GetObject", "s3:HeadObject")


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    make_tables(provisioned.settings.curated_bucket)
    return Scoring(provisioned, packed)


@pytest.fixture
def pipeline(scoring: Scoring, clock: Clock) -> Pipeline:
    """As the function wires it, with SQL tables."""
    there = scoring.provisioned
    model = CurrentModel(there.registry, clock)
    alerts = Alerts(there.curated, there.settings.topic_arn, there.clients.sns)
    made = Pipeline(there.raw, there.curated, model, alerts, Partitions(DATABASE))
    made._profiles._clock = clock
    return made


def in_turn(pipeline: Pipeline, clock: Clock, keys: list[str]) -> list[CallCounts]:
    """The calls for each batch, in a warm execution environment, a batch every ten minutes."""
    found = []
    for key in keys:
        clock.now += BATCH_SECONDS
        with counted() as calls:
            assert pipeline.process(RawObject(key)).disposition is Disposition.SCORED
        found.append(calls)
    return found


def test_a_batch_writes_and_reads_what_the_bill_says(
    scoring: Scoring, pipeline: Pipeline, clock: Clock, wells: Path
) -> None:
    with counted() as uploading:
        keys = scoring.replay(wells, [QUIET])
    claims = 2  # the recording's, and one a run that has to be refused
    uploaded = (uploading["s3:PutObject"] - claims) / len(keys)
    first, *others = in_turn(pipeline, clock, keys)
    for calls in others:
        assert uploaded + calls.of(*WRITES) == costs.WRITES_A_BATCH, calls
        assert calls.of(*READS) == costs.READS_A_BATCH, calls
        assert set(calls) <= {*WRITES, *READS, "ssm:GetParameter"}, "something nobody counts"
    assert first["s3:PutObject"] == others[0]["s3:PutObject"] + 1, "its profile"
    per_day = first.of("glue:GetTable", "glue:BatchCreatePartition")
    assert 0 < per_day * 31 * costs.WELLS < 1_000_000, "Glue's first million a month is free"


def test_a_batch_in_which_an_alarm_begins_writes_what_the_bill_says(
    scoring: Scoring, pipeline: Pipeline, clock: Clock, wells: Path
) -> None:
    keys = scoring.replay(wells, [WELL])
    begun = 0
    for key, calls in zip(keys[1:], in_turn(pipeline, clock, keys)[1:], strict=True):
        there = parse_batch_key(key).events in set(scoring.provisioned.curated.keys(EVENTS))
        beyond = 1 + calls.of(*WRITES) - costs.WRITES_A_BATCH
        assert beyond == (costs.WRITES_AN_ALARM if calls["sns:Publish"] else int(there)), calls
        assert calls.of(*READS) <= costs.READS_A_BATCH, calls
        begun += calls["sns:Publish"]
    assert begun


def test_the_function_has_as_many_metrics_as_the_bill() -> None:
    written = (PROJECT_ROOT / "lambda" / "app.py").read_text()
    assert len(set(re.findall(r'add_metric\("(\w+)"', written))) == costs.METRICS


def test_an_invocation_logs_no_more_than_the_bill_says(
    scoring: Scoring,
    wells: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own lines and its metrics; Lambda adds three of an invocation, of some 150 bytes."""
    batches = len(scoring.replay(wells, [QUIET]))
    there = scoring.provisioned
    spec = importlib.util.spec_from_file_location("app", PROJECT_ROOT / "lambda" / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = io.StringIO()  # powertools keeps the stream of whoever loaded the handler first
    for each in module.logger.handlers:
        monkeypatch.setattr(each, "stream", lines)
    capsys.readouterr()
    while messages := there.clients.sqs.receive_message(
        QueueUrl=there.settings.queue_url, MessageSystemAttributeNames=["All"]
    ).get("Messages"):
        event = sqs_event(messages, f"arn:aws:sqs:{REGION}:{ACCOUNT}:petrostream-ingest")
        assert not module.handler(event, InvocationContext("1" * 36, time.monotonic() + 60))[
            "batchItemFailures"
        ]
    own, metrics = lines.getvalue(), capsys.readouterr().out
    assert own.count('"message":"scored"') == batches
    assert "CloudWatchMetrics" in metrics
    logged = len((own + metrics).encode()) / batches + 3 * 150
    assert costs.LOG_KB_A_BATCH / 3 < logged / 1024 < costs.LOG_KB_A_BATCH


@pytest.fixture
def looked_at(
    scoring: Scoring, pipeline: Pipeline, clock: Clock, wells: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], CallCounts]:
    """The calls of a page that stays open for two minutes, over a bucket with many batches."""
    scoring.score(scoring.replay(wells, [QUIET])[:4])
    older_day(scoring)
    monkeypatch.setattr(listing_follower, "FEW", 2)
    for module in (listing_follower, asked_lately):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock))
    st.cache_resource.clear()

    def look(page: str) -> CallCounts:
        app = visit(page, live="on")
        for _ in range(TWO_MINUTES // 2):  # what is new at the start is not what an hour costs
            clock.now += costs.REFRESH_SECONDS
            app.run()
        with counted() as calls:
            for _ in range(TWO_MINUTES):
                clock.now += costs.REFRESH_SECONDS
                app.run()
        assert not app.exception
        return calls

    return look


def older_day(scoring: Scoring) -> None:
    """The same summaries, a day earlier: where there is more than one day, one more is listed."""
    curated = scoring.provisioned.curated
    for key in list(curated.keys("summaries/")):
        body = curated.get(key, at_most=2**20).body
        curated.put(key.replace("date=2024-01-01", "date=2023-12-31"), body, "application/json")


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")
@pytest.mark.parametrize("page", OpenPage)
def test_an_open_page_calls_as_often_as_the_bill_says(
    looked_at: Callable[[str], CallCounts], page: OpenPage
) -> None:
    assert page_frame.REFRESH_SECONDS == costs.REFRESH_SECONDS
    calls = looked_at(page.lower())
    refreshes = costs.HOURS_A_MONTH * 3600 / costs.REFRESH_SECONDS
    said = {
        charge.item: charge.quantity / refreshes * TWO_MINUTES for charge in costs.left_open(page)
    }
    free = {"ssm:GetParameterHistory", "ssm:GetParameter"}
    assert calls.of(*WRITES) == pytest.approx(said[Item.S3_WRITE], rel=0.1), calls
    assert calls.of(*READS) == pytest.approx(said[Item.S3_READ], rel=0.1), calls
    assert calls["sqs:GetQueueAttributes"] == said.get(Item.SQS_REQUEST, 0), calls
    assert calls["cloudwatch:GetMetricData"] == pytest.approx(said.get(Item.METRIC_READ, 0)), calls
    assert set(calls) <= {
        *WRITES, *READS, *free, "sqs:GetQueueAttributes", "cloudwatch:GetMetricData"
    }, "something nobody counts"  # fmt: skip
