"""One odd object takes no page down: it is left out and named, and the rest is shown."""

import io
import json
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.curated.batches import ListedKey, Names, parse
from dashboard.curated.summary_listing import MOST_REFUSED
from petrostream.ingest.notifications import RawObject
from petrostream.registry.model_files import EVALUATION_NAME
from petrostream.schema.keys import (
    ANNOTATIONS,
    EVENTS,
    QUARANTINE,
    REASON_SUFFIX,
    SCORED,
    SUMMARIES,
    BatchId,
    model_key,
    parse_batch_key,
)
from petrostream.scoring import summaries
from tests.support.pages import WELL, looked_at, page_script, visit
from tests.support.pipeline import Scoring

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")

JSON = "application/json"
PAGES = ("fleet", "well", "alarms", "accuracy", "quality", "pipeline", "explore")
DEEP = b'{"runs":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
ODD_DOCUMENTS = (
    DEEP,
    b'{"format": 1e999}',
    b'{"format": ' + b"9" * 5000 + b"}",
    b'"\\ud800"',
    b"\xff\xfe",
    b"[]",
)


@pytest.fixture
def scoring(two_wells: Scoring) -> Scoring:
    return two_wells


def named(page: AppTest) -> list[str]:
    """The objects that the page says it left out."""
    tables = [each.value for each in page.dataframe if list(each.value) == ["Object", "Why"]]
    return [] if not tables else tables[0]["Object"].tolist()


def put(scoring: Scoring, key: str, body: bytes) -> str:
    scoring.provisioned.curated.put(key, body, JSON)
    return key


def first(scoring: Scoring, prefix: str) -> str:
    return next(iter(scoring.provisioned.curated.keys(prefix)))


@pytest.mark.parametrize("page", PAGES)
def test_deep_documents_take_no_page_down(scoring: Scoring, page: str) -> None:
    provisioned = scoring.provisioned
    event = put(scoring, first(scoring, EVENTS), DEEP)
    annotation = put(scoring, f"{ANNOTATIONS}well={WELL}/x-20170201T000000/deep.json", DEEP)
    put(scoring, f"{QUARANTINE}readings/deep.parquet{REASON_SUFFIX}", DEEP)
    for key in list(provisioned.curated.keys(SUMMARIES)):
        put(scoring, key, DEEP)
    for key in list(provisioned.curated.keys("profiles/")):
        put(scoring, key, DEEP)
    version = provisioned.registry.pointer().version
    provisioned.models.put(model_key(version, EVALUATION_NAME), DEEP, JSON)
    shown = visit(page) if page != "well" else visit(page, well=WELL)
    said = named(shown)
    if page in {"well", "alarms", "accuracy"}:
        assert event in said
    if page in {"fleet", "alarms"}:
        assert annotation in said
    assert not shown.error, [each.value for each in shown.error]


@pytest.mark.parametrize("body", ODD_DOCUMENTS, ids=range(len(ODD_DOCUMENTS)))
def test_a_reason_that_is_none_is_said_beside_the_others(scoring: Scoring, body: bytes) -> None:
    key = "readings/well=BAD/date=2024-01-01/BAD-20240101T000000.parquet"
    scoring.provisioned.raw.put(key, b"no Parquet", JSON)
    scoring.pipeline.process(RawObject(key))
    put(scoring, f"{QUARANTINE}readings/odd.parquet{REASON_SUFFIX}", body)
    tables = [each.value for each in visit("pipeline").dataframe]
    [table] = [each for each in tables if {"Why", "Object"} < set(each)]
    reasons = dict(zip(table["Object"], table["Why"], strict=True))
    assert "Parquet" in reasons[key]
    assert "can't be read" in reasons["readings/odd.parquet"]


def odd(change: Callable[[np.ndarray], object]) -> Callable[[str], str]:
    """A summary's key with other figures, and of another recording, so that it stands beside."""

    def make(key: str) -> str:
        *front, recording, text = key.removesuffix(".json").split("/")
        figures = summaries.decode([text])[0].copy()
        change(figures)
        return "/".join([*front, f"{recording}-odd", f"{summaries.encode(figures)}.json"])

    return make


def other(at: int, text: str) -> Callable[[str], str]:
    def make(key: str) -> str:
        parts = key.split("/")
        parts[at] = text
        return "/".join(parts)

    return make


def put_field(name: str, value: object) -> Callable[[np.ndarray], object]:
    return lambda figures: figures.__setitem__(name, value)


def good_key() -> str:
    figures = np.zeros((), dtype=summaries.FIGURES)
    figures["format"], figures["groups"] = summaries.FORMAT, summaries.GROUPS
    return BatchId(WELL, "R", datetime(2017, 2, 1)).summary(summaries.encode(figures))


ODD_KEYS = {
    "a state that is none": odd(put_field("ended", 200)),
    "a sensor's state that is none": odd(put_field("sensors", 0xF000)),
    "a span of half an age": odd(put_field("span_ms", 2**32 - 1)),
    "a score beyond all": odd(put_field("worst", np.inf)),
    "an alarm after its end": odd(put_field("last_alarm_ms", 2**32 - 2)),
    "no figures": other(-1, "odd.json"),
    "no base64": other(-1, "é" * 200 + ".json"),
    "year 1": other(1, "date=0001-01-01"),
    "year 9999": other(1, "date=9999-12-31"),
    "no date": other(1, "date=2017-02-31"),
    "no second": other(2, "996199"),
    "one digit less": other(2, "00000"),
    "no well": other(3, "<b>x</b>"),
    "a level more": other(3, "a/b"),
}


@pytest.mark.parametrize("kind", ODD_KEYS)
def test_an_odd_summary_is_left_out_and_told(kind: str) -> None:
    good = good_key()
    key = ODD_KEYS[kind](good)
    told: dict[str, str] = {}
    listed = [ListedKey(each, datetime(2024, 1, 1)) for each in (good, key)]
    assert len(parse(listed, Names(), Names(), told.__setitem__)) == 1
    assert list(told) == [key]


def test_odd_summaries_are_named_on_every_page_and_change_no_figure(scoring: Scoring) -> None:
    before = figures(visit("fleet"))
    st.cache_resource.clear()
    there = first(scoring, SUMMARIES)
    keys = {put(scoring, make(there), b"{}") for make in ODD_KEYS.values()}
    for page in PAGES:
        shown = visit(page)
        assert set(named(shown)) == keys
        assert not shown.error
    assert figures(visit("fleet")) == before


def figures(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


EXTREMES = (
    {"labels": [(250, 5, 9)] * 4, "top_sensor": 77, "line": 255},
    dict.fromkeys(("commissioning", "scored", "unscorable", "anomalies", "alarms"), 2**32 - 1),
    {"worst": -3.0e38, "sensors": 0x4FFF},
    {"worst": 3.4e38, "commissioning": 0, "scored": 0, "unscorable": 0, "anomalies": 7},
)


@pytest.mark.parametrize("page", PAGES)
def test_figures_that_can_just_be_take_no_page_down(scoring: Scoring, page: str) -> None:
    there = [key for key in scoring.provisioned.curated.keys(SUMMARIES) if f"/{WELL}/" in key]
    for key, values in zip(there[::-1], EXTREMES, strict=False):

        def change(found: np.ndarray, values: dict[str, object] = values) -> None:
            for name, value in values.items():
                found[name] = value

        put(scoring, odd(change)(key), b"{}")
    assert not (visit(page, well=WELL) if page == "well" else visit(page)).error


def test_an_odd_summary_that_was_removed_is_not_named_any_more(scoring: Scoring) -> None:
    key = put(scoring, ODD_KEYS["a state that is none"](first(scoring, SUMMARIES)), b"{}")
    page = page_script("fleet")
    assert named(looked_at(page.run())) == [key]
    scoring.provisioned.curated.delete(key)
    assert named(looked_at(page.run())) == []


def test_where_not_all_odd_summaries_are_named_the_page_says_so(scoring: Scoring) -> None:
    key = first(scoring, SUMMARIES).rpartition("/")[0]
    page = page_script("fleet")
    for number in range(MOST_REFUSED + 1):
        if number == MOST_REFUSED - 1:
            assert told(looked_at(page.run())).startswith(f"{MOST_REFUSED - 1} of the objects")
        put(scoring, f"{key}/odd{number}.json", b"{}")
    assert told(looked_at(page.run())).startswith(f"At least {MOST_REFUSED} of the objects")


def told(page: AppTest) -> str:
    return next(each.value for each in page.warning if "can't be read" in each.value)


@pytest.mark.parametrize("text", ["", "=", "AAAA", "\ud800", "Ā" * 240, "A" * 4096, "-_" * 120])
def test_any_text_in_the_place_of_figures_is_refused(text: str) -> None:
    key = f"{SUMMARIES}date=2017-02-01/020207/W/R/{text}.json"
    told: dict[str, str] = {}
    listed = [ListedKey(key, datetime(2024, 1, 1))]
    assert len(parse(listed, Names(), Names(), told.__setitem__)) == 0
    assert list(told) == [key]


def test_labels_that_can_not_be_read_are_named(scoring: Scoring) -> None:
    mixed = [parse_batch_key(key).scored for key in scoring.provisioned.curated.keys(SCORED)]
    for key in mixed:
        put(scoring, key, b"no Parquet")
    shown = visit("accuracy")
    assert set(named(shown)) <= set(mixed)
    assert named(shown)


def test_an_annotation_of_a_later_field_is_read_and_an_odd_one_is_named(scoring: Scoring) -> None:
    good = {
        "well": WELL,
        "recording": "x",
        "start": 0,
        "end": 1,
        "kind": "note",
        "who": "Ana",
        "when": "2024-01-01T00:00:00Z",
        "note": "n",
        "later": {"field": 1},
    }
    put(scoring, f"{ANNOTATIONS}well={WELL}/x-20170201T000000/good.json", json.dumps(good).encode())
    odd_ones = {
        put(
            scoring,
            f"{ANNOTATIONS}well={WELL}/x-20170201T000000/{number}.json",
            json.dumps(good | {"when": when}).encode(),
        )
        for number, when in enumerate(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 7])
    }
    assert set(named(visit("alarms"))) == odd_ones


def rewritten(change: Callable[[pa.Table], pa.Table]) -> Callable[[bytes], bytes]:
    def write(body: bytes) -> bytes:
        sink = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(body))), sink)
        return sink.getvalue()

    return write


def replaced(name: str, make: Callable[[int], pa.Array]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        return table.set_column(place, name, make(table.num_rows))

    return change


ODD_ROWS = {
    "times in words": replaced("timestamp", lambda rows: pa.array(["soon"] * rows)),
    "no times": replaced("timestamp", lambda rows: pa.nulls(rows, pa.timestamp("us"))),
    "readings in words": replaced("P-PDG", lambda rows: pa.array(["high"] * rows)),
    "lists of readings": replaced("P-PDG", lambda rows: pa.array([[1.0]] * rows)),
    "numbers for a state": replaced("status", lambda rows: pa.array([7] * rows)),
    "flags in words": replaced("anomaly_flag", lambda rows: pa.array(["yes"] * rows)),
    "no flags": replaced("anomaly_flag", lambda rows: pa.nulls(rows, pa.int8())),
    "labels in words": replaced("class", lambda rows: pa.array(["fault"] * rows)),
    "drivers that are none": replaced(
        "drivers", lambda rows: pa.array(["P-PDG=lots"] * rows).dictionary_encode()
    ),
    "a column less": lambda table: table.drop_columns(["status"]),
    "a column twice": lambda table: table.append_column("status", table.column("status")),
    "no rows": lambda table: table.slice(0, 0),
}


SHOWN = {"drivers that are none", "no rows"}


def test_odd_rows_are_left_out_and_named_and_the_others_shown(scoring: Scoring) -> None:
    keys = [key for key in scoring.provisioned.curated.keys(SCORED) if WELL in key]
    odd_ones = dict(zip(ODD_ROWS, keys, strict=False))
    assert len(odd_ones) == len(ODD_ROWS)
    for kind, key in odd_ones.items():
        scoring.rewrite(key, rewritten(ODD_ROWS[kind]))
    page = visit("well", well=WELL, time="all")
    assert set(named(page)) == {key for kind, key in odd_ones.items() if kind not in SHOWN}
    assert not page.error
    assert not visit("accuracy").error
