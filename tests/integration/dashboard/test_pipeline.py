"""The page Pipeline: counts, dead letters, quarantine, model, pace, and what may not be read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from streamlit.testing.v1 import AppTest

from dashboard.views.pipeline.dead_letters import Queues, explained_body
from petrostream.ingest.notifications import RawObject
from petrostream.registry.model_files import PackedModel
from petrostream.scoring.pipeline import Disposition
from petrostream.scoring.totals import read_events
from tests.support.pages import looked_at, visit
from tests.support.pipeline import Scoring

pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")

QUIET = "WELL-90001"


@pytest.fixture
def scoring(provisioned, packed: PackedModel, wells: Path) -> Scoring:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [QUIET])[:3])
    return scoring


def figures(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def press(page: AppTest, label: str) -> AppTest:
    [button] = [each for each in page.button if each.label.startswith(label)]
    return looked_at(button.click().run())


def tables(page: AppTest, column: str) -> list[pd.DataFrame]:
    return [each.value for each in page.dataframe if column in each.value.columns]


def announcement(scoring: Scoring, key: str) -> str:
    name = scoring.provisioned.settings.raw_bucket
    s3 = {"bucket": {"name": name}, "object": {"key": key, "size": 1}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})


def bury(scoring: Scoring, *bodies: str) -> None:
    url = scoring.provisioned.settings.dead_letter_queue_url
    for body in bodies:
        scoring.provisioned.clients.sqs.send_message(QueueUrl=url, MessageBody=body)


def test_the_figures_are_those_of_queues_and_model(scoring: Scoring, packed: PackedModel) -> None:
    shown = figures(visit("pipeline"))
    depth = Queues(scoring.provisioned.settings).depth()
    assert depth.waiting > 0, "the replay's announcements wait, for no worker runs"
    assert shown["Waiting"] == f"{depth.waiting:,}"
    assert shown["In flight"] == "0"
    assert shown["Dead letters"] == "0"
    assert shown["Model"] == packed.pointer.version[:8]
    assert float(shown["Rows a second"].replace(",", "")) > 0
    assert shown["With these wells"].endswith(" USD")


def test_what_is_tried_alone_waits_too_and_is_said(scoring: Scoring) -> None:
    settings = scoring.provisioned.settings
    before = Queues(settings).depth().waiting
    for _ in range(2):
        body = announcement(scoring, "readings/x.parquet")
        scoring.provisioned.clients.sqs.send_message(
            QueueUrl=settings.retries_queue_url, MessageBody=body
        )
    page = visit("pipeline")
    assert figures(page)["Waiting"] == f"{before + 2:,}"
    [waiting] = [each for each in page.metric if each.label == "Waiting"]
    assert waiting.delta == "messages; 2 failed once and are tried alone"


def test_the_last_batches_are_there_with_their_time(scoring: Scoring) -> None:
    [last] = tables(visit("pipeline"), "Took")
    assert last["Rows"].tolist() == [600, 600, 900]
    assert (last["Took"] >= 0).all()
    assert (last["Size"] > 0).all()


def test_a_peek_tells_what_is_known_and_steals_nothing(scoring: Scoring) -> None:
    scored = next(iter(scoring.provisioned.raw.keys("readings/")))
    gone = f"readings/well={QUIET}/date=2017-02-01/gone-20170201T000000.parquet"
    bury(scoring, announcement(scoring, scored), announcement(scoring, gone), "<b>no JSON</b>")
    page = press(visit("pipeline"), "Look at")
    [letters] = tables(page, "Received")
    assert letters["Why"].tolist()[:2] == [
        "it has been scored by now",
        "the batch is no longer in the raw bucket",
    ]
    assert "no announcement of S3" in letters["Why"].iloc[2]
    assert letters["Object"].tolist()[:2] == [scored, gone]
    assert any(each.value == "<b>no JSON</b>" for each in page.code), "as code, never as markup"
    assert Queues(scoring.provisioned.settings).dead().waiting == 3


def test_a_redrive_asks_first_and_empties_the_dead_letters(scoring: Scoring) -> None:
    bury(scoring, "{}", "{}")
    queues = Queues(scoring.provisioned.settings)
    waiting = queues.depth().waiting
    page = press(visit("pipeline"), "Move back")
    assert queues.dead().total == 2, "nothing has moved yet"
    page = press(page, "Leave them")
    assert queues.dead().total == 2
    page = press(page, "Move back")
    page = press(page, "Move 2 messages")
    assert queues.dead().total == 0
    assert queues.depth().waiting == waiting + 2
    assert figures(page)["Dead letters"] == "0"


def test_quarantine_is_there_with_its_reasons(scoring: Scoring) -> None:
    key = f"readings/well={QUIET}/date=2017-02-01/{QUIET}_x-20170201T000000.parquet"
    scoring.provisioned.raw.put(key, b"no Parquet", "application/octet-stream")
    assert scoring.pipeline.process(RawObject(key)).disposition is Disposition.QUARANTINED
    aside = tables(visit("pipeline"), "Why")[0]
    assert aside["Object"].tolist() == [key]
    assert len(aside["Why"].iloc[0]) > 10


def test_models_are_there_with_when_they_moved(scoring: Scoring, packed: PackedModel) -> None:
    scoring.provisioned.registry.move(packed.pointer)
    [models] = tables(visit("pipeline"), "Version")
    assert models["Version"].tolist() == [packed.pointer.version] * 2
    assert models.iloc[:, 0].is_monotonic_decreasing


Refuse = Callable[..., None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Let AWS refuse some operations."""

    def refusing(*operations: str) -> None:
        original = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            if operation in operations:
                error = {"Error": {"Code": "AccessDenied", "Message": "no"}}
                raise ClientError(error, operation)
            return original(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return refusing


@pytest.mark.parametrize(
    ("operation", "permission", "left"),
    [
        ("GetQueueAttributes", "sqs:GetQueueAttributes", "Rows a second"),
        ("GetParameterHistory", "ssm:GetParameterHistory", "Waiting"),
        ("HeadObject", "s3:GetObject", "Waiting"),
    ],
)
def test_a_permission_that_lacks_is_named_and_the_rest_is_shown(
    scoring: Scoring, refuse: Refuse, operation: str, permission: str, left: str
) -> None:
    refuse(operation)
    page = visit("pipeline")
    [told] = [each.value for each in page.warning]
    assert "lack the permission" in told and permission in told
    assert figures(page)[left] not in {"", "–"}


def test_without_permission_to_move_them_the_letters_stay(scoring: Scoring, refuse: Refuse) -> None:
    bury(scoring, "{}")
    refuse("StartMessageMoveTask")
    page = press(press(visit("pipeline"), "Move back"), "Move 1 message")
    assert "sqs:StartMessageMoveTask" in page.error[0].value
    assert Queues(scoring.provisioned.settings).dead().total == 1


def test_without_permission_to_annotate_the_page_says_so(
    scoring: Scoring, refuse: Refuse, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, ["WELL-90005"]))
    page = visit("alarms", who="Ana")
    page.session_state["alarm"] = [view_name(scoring)]
    looked_at(page.run())
    refuse("PutObject")
    page = press(page, "Acknowledge")
    assert "`s3:PutObject` on `annotations/*`" in page.error[0].value


def view_name(scoring: Scoring) -> str:
    event = read_events(scoring.provisioned.curated)[-1]
    return f"{event.well}/{event.recording}/{event.start}"


def test_queues_that_are_not_named_are_a_sentence(scoring: Scoring, monkeypatch) -> None:
    monkeypatch.delenv("PETROSTREAM_QUEUE_URL")
    monkeypatch.delenv("PETROSTREAM_MODEL_PARAMETER")
    page = visit("pipeline")
    assert any("queues' depth" in each.value for each in page.warning)
    assert figures(page)["Waiting"] == "–"


def test_why_a_message_died_is_told_as_far_as_it_can_be() -> None:
    def why(key: str) -> str:
        return f"about {key}"

    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "raw"}, "object": {"key": "readings/a.parquet"}},
    }
    assert explained_body(json.dumps({"Records": [record]}), "raw", why) == (
        ("readings/a.parquet",),
        "about readings/a.parquet",
    )
    assert "announces nothing" in explained_body('{"Records": []}', "raw", why)[1]
    assert "no announcement" in explained_body("[]", "raw", why)[1]
