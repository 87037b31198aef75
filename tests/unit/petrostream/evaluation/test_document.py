"""The evaluation beside a model: it comes back as it was written, and damage is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrostream.errors import InvalidEvaluation
from petrostream.evaluation.document import Evaluation, NotEvaluated, from_json, to_json
from petrostream.evaluation.judging import RowCounts
from petrostream.evaluation.metrics import DetectionMetrics

METRICS = DetectionMetrics(
    recordings=9,
    events=3,
    found=2,
    short=1,
    short_found=0,
    false_alarms=4,
    normal_days=2.5,
    delays=(14.0, 9000.5),
    rows=RowCounts(hits=70, misses=30, false=10),
    mean_auc=0.875,
)
EVALUATION = Evaluation(
    model_version="b2092d589495",
    evaluated=datetime(2026, 11, 21, 15, 45, 23),
    data_sha256="ab" * 32,
    wells=4,
    metrics=METRICS,
    by_class={0: replace(METRICS, mean_auc=None), 7: METRICS},
)


@pytest.mark.parametrize(
    "document",
    [EVALUATION, NotEvaluated("v1", datetime(2026, 1, 2), "the recordings are of 1 real well")],
)
def test_it_comes_back_as_it_was_written(document: Evaluation | NotEvaluated) -> None:
    assert from_json(to_json(document)) == document


def test_it_says_the_figures_under_the_names_that_the_evaluation_has() -> None:
    figures = json.loads(to_json(EVALUATION))["figures"]
    assert figures["false_alarms_per_well_day"] == 1.6
    assert figures["median_detection_delay_s"] == (14 + 9000.5) / 2
    assert figures["row_precision"] == 70 / 80
    assert figures["row_recall"] == 70 / 100


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(to_json(EVALUATION))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        to_json(EVALUATION)[:-40],
        changed(lambda document: document.update(format=2)),
        changed(lambda document: document.update(wells=-1)),
        changed(lambda document: document.update(wells=True)),
        changed(lambda document: document.update(data_sha256="<b>")),
        changed(lambda document: document.update(model_version="a/b")),
        changed(lambda document: document.update(evaluated="yesterday")),
        changed(lambda document: document.update(by_class={"12": {}})),
        changed(lambda document: document.update(by_class=[])),
        changed(lambda document: document.update(reason="two\nlines")),
        changed(lambda document: document["figures"].update(delays_s=[1.0])),
        changed(lambda document: document["figures"].update(delays_s=[1.0, float("nan")])),
        changed(lambda document: document["figures"].update(delays_s=[1.0, 10**400])),
        changed(lambda document: document["figures"].update(delays_s="12")),
        changed(lambda document: document["figures"].update(rows=None)),
        changed(lambda document: document["figures"].update(events=100)),
        changed(lambda document: document["figures"].pop("mean_auc")),
    ],
)
def test_a_damaged_one_is_told(body: bytes) -> None:
    with pytest.raises(InvalidEvaluation, match="can't be read"):
        from_json(body)


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_no_bytes_make_anything_else_of_it(noise: bytes, place: int) -> None:
    whole = to_json(EVALUATION)
    for body in (noise, whole[:place] + noise + whole[place + len(noise) :]):
        try:
            from_json(body)
        except InvalidEvaluation:
            continue
