"""The page Accuracy as a visitor meets it: what was replayed, and the published evaluation."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from dashboard.curated.bucket import Curated
from dashboard.curated.label_reader import LabelReader
from dashboard.views.accuracy.page import judge_all
from ml.evaluation import leave_one_well_out
from ml.evaluation.instances import Instance
from ml.evaluation.verdicts import outcome_of
from petrostream.evaluation.document import Evaluation, NotEvaluated, to_json
from petrostream.evaluation.judging import AlarmSpan, Judged, LabelRun, judge
from petrostream.evaluation.metrics import metrics_by_class, metrics_of
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model
from petrostream.schema.columns import SECOND
from petrostream.scoring.totals import read_events
from petrostream.settings import variable
from tests.support.pages import QUIET, visit
from tests.support.pipeline import Scoring

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")


@pytest.fixture
def scoring(two_wells: Scoring) -> Scoring:
    return two_wells


def test_accuracy_judges_what_was_replayed(scoring: Scoring) -> None:
    page = visit("accuracy")
    shown = {each.label: each.value for each in page.metric}
    found, _, of = shown["Found"].partition(" of ")
    assert int(found) == int(of) == 1
    assert shown["Missed"] == "0"
    [table] = [each.value for each in page.dataframe if "✕ missed" in each.value.columns]
    assert table["✓ found"].iloc[-1] == 1
    assert "No evaluation lies beside this model" in page.info[0].value


def by_name(judged: Iterable[Judged]) -> dict[str, Judged]:
    """Without what only the evaluation computes; a summary's times are cut to milliseconds."""
    return {
        one.truth.recording: replace(
            one,
            auc=None,
            truth=replace(one.truth, last_abnormal=(one.truth.last_abnormal or 0) // 1000),
        )
        for one in judged
    }


def test_accuracy_judges_as_the_evaluation_does(
    scoring: Scoring, model: Model, wells: Path, recordings: list[Recording]
) -> None:
    """The same model on the same recordings: from curated objects, and from the files."""
    provisioned = scoring.provisioned
    scoring.score(scoring.replay(wells, []))
    snapshot = Curated(provisioned.settings.curated_bucket).snapshot(60)
    labels = LabelReader(provisioned.curated).read(snapshot, np.arange(len(snapshot.batches)))
    live = judge_all(read_events(provisioned.curated), labels)
    instances = [Instance.of(recording) for recording in recordings]
    offline = [outcome_of(one, leave_one_well_out.judge(one, model)) for one in instances]
    assert by_name(live) == by_name(offline)
    assert metrics_of(live).events > 1


def evaluation(model: Model, reason: str = "") -> Evaluation | NotEvaluated:
    """An evaluation of a model, or why there is none."""
    now = datetime(2026, 11, 21)
    if reason:
        return NotEvaluated(model.version, now, reason)
    judged = judge("WELL-00009", "r", [LabelRun(0, 0, 4000 * SECOND, 4000, 3100, 0),
                   LabelRun(8, 4001 * SECOND, 5000 * SECOND, 1000, 1000, 900)],
                   [AlarmSpan(4101 * SECOND, 4200 * SECOND)])  # fmt: skip
    assert judged is not None
    return Evaluation(
        model.version, now, model.training["data_sha256"], 2, metrics_of([judged]),
        metrics_by_class([judged]),
    )  # fmt: skip


def test_accuracy_shows_the_published_evaluation(scoring: Scoring, model: Model) -> None:
    document = evaluation(model)
    scoring.provisioned.registry.attach(model.version, to_json(document))
    page = visit("accuracy")
    [table] = [each.value for each in page.dataframe if "Figure" in each.value.columns]
    shown = table.set_index("Figure")
    assert list(shown.loc["Events found"]) == ["1 of 1", "1 of 1"]
    assert shown.loc["Median delay", "Evaluated"] == "100 s"
    assert any(
        "the recordings that the model was trained on" in each.value for each in page.caption
    )
    assert not page.info


def test_accuracy_says_which_model_was_evaluated_where_limits_were_set_since(
    scoring: Scoring, model: Model
) -> None:
    document = replace(evaluation(model), model_version="0123456789ab")
    scoring.provisioned.registry.attach(model.version, to_json(document))
    assert any("`0123456789ab`" in each.value for each in visit("accuracy").caption)


def test_accuracy_says_why_there_is_no_evaluation(scoring: Scoring, model: Model) -> None:
    reason = "the recordings are of 1 real well **(<b>W</b>)**"
    scoring.provisioned.registry.attach(model.version, to_json(evaluation(model, reason)))
    page = visit("accuracy")
    assert [each.value for each in page.text] == [reason]
    assert not any("<b>" in each.value for each in page.markdown)


def test_without_the_name_of_a_models_bucket_the_rest_is_shown(
    scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable("models_bucket"), "")
    page = visit("accuracy")
    assert "`petrostream status` shows more" in page.warning[0].value
    assert page.metric


def test_one_registry_is_kept_for_all_visits(
    scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit("accuracy")
    monkeypatch.setattr("petrostream.aws.clients.ssm", None)
    visit("accuracy")


def test_accuracy_tells_a_damaged_evaluation(scoring: Scoring, model: Model) -> None:
    body = to_json(evaluation(model))
    scoring.provisioned.registry.attach(model.version, body[: len(body) // 2])
    page = visit("accuracy")
    assert "can't be read" in page.warning[0].value
    assert {each.label: each.value for each in page.metric}["Found"] == "1 of 1"


def test_accuracy_of_one_well(scoring: Scoring) -> None:
    page = visit("accuracy", well=QUIET)
    assert {each.label: each.value for each in page.metric}["Found"] == "0 of 0"


def test_accuracy_without_a_model_is_a_sentence(provisioned, packed, wells: Path) -> None:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [QUIET])[:2])
    provisioned.clients.ssm.put_parameter(
        Name=provisioned.settings.model_parameter, Value="none", Type="String", Overwrite=True
    )
    assert any("The published model" in each.value for each in visit("accuracy").warning)
