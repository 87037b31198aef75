"""The page Alarms as a visitor meets it: every event, filters, and what people say."""

import io
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.alarms.alarm import Severity, severity_of, with_context
from dashboard.views.alarms import downloads
from petrostream.alarms.annotations import AnnotationKind, Annotations
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import ANNOTATIONS, EVENTS
from petrostream.scoring.totals import read_events
from tests.support.pages import QUIET, WELL, looked_at, visit
from tests.support.pipeline import Scoring

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")


@pytest.fixture
def scoring(two_wells: Scoring) -> Scoring:
    return two_wells


def alarms(page: AppTest) -> pd.DataFrame:
    [found] = [each.value for each in page.dataframe if "Peak score" in each.value.columns]
    return found


def name_of_first(scoring: Scoring) -> str:
    event = read_events(scoring.provisioned.curated)[0]
    return f"{event.well}/{event.recording}/{event.start}"


def say(page: AppTest, label: str, *, who: str = "", note: str = "") -> AppTest:
    if who:
        page.text_input(key="who").set_value(who)
    if note:
        page.text_area[0].set_value(note)
    looked_at(page.run())
    [button] = [each for each in page.button if each.label == label]
    return looked_at(button.click().run())


def test_every_event_is_there_with_its_label(scoring: Scoring) -> None:
    events = read_events(scoring.provisioned.curated)
    shown = alarms(visit("alarms"))
    assert len(shown) == len(events) > 0
    starts = [pd.Timestamp(event.start, unit="us") for event in events]
    assert shown["Start"].tolist() == [each.floor("us") for each in sorted(starts, reverse=True)]
    assert shown["Peak score"].tolist()[::-1] == [event.peak_score for event in events]
    assert all(label.split(":")[0].isdigit() for label in shown["3W label"])


def test_the_filters_stand_in_the_address_and_are_read_from_it(scoring: Scoring) -> None:
    events = read_events(scoring.provisioned.curated)
    reached = {severity_of(event.peak_score) for event in events}
    other = next(each for each in Severity if each not in reached)
    page = visit("alarms", well=WELL, state="open", severity=str(other))
    assert f"**0 of {len(events)} alarms**" in page.markdown[0].value
    page.multiselect[0].set_value([]).run()
    assert "severity" not in looked_at(page).query_params
    assert len(alarms(page)) == len(events)
    page = visit("alarms", **{"from": "2030-01-01"})
    assert page.markdown[0].value.startswith("**0 of")


def test_what_is_not_there_is_told_and_never_repeated_as_markup(scoring: Scoring) -> None:
    page = visit("alarms", well="WELL-99999", alarm="nothing", severity="<b>x</b>")
    told = [each.value for each in page.caption]
    assert "Not there: `WELL-99999`." in told
    assert not any("<b>" in each for each in told)
    assert len(alarms(page))


def test_what_is_said_is_kept_beside_the_results_and_counts(scoring: Scoring) -> None:
    curated = scoring.provisioned.curated
    before = everything(scoring)
    page = visit("alarms", alarm=name_of_first(scoring))
    assert all(each.disabled for each in page.button if each.label == "Acknowledge")
    page = say(page, "Acknowledge", who="Ana", note="seen from the control room")
    page = say(page, "False alarm")
    [acknowledged, judged] = Annotations(curated).read()
    assert (acknowledged.kind, acknowledged.who) == (AnnotationKind.ACKNOWLEDGED, "Ana")
    assert acknowledged.note == "seen from the control room"
    assert (judged.kind, judged.note) == (AnnotationKind.FALSE_ALARM, ""), "a note is said once"
    assert page.query_params["who"] == "Ana"

    st.cache_resource.clear()
    shown = alarms(visit("alarms"))
    assert list(shown["State"].iloc[-1]) == ["✓ acknowledged"]
    assert shown["Verdict"].iloc[-1] == "✕ false"
    assert shown["Notes"].iloc[-1] == "seen from the control room"
    after = everything(scoring)
    assert {key: after[key] for key in before} == before, "no result was changed"
    assert all(key.startswith(ANNOTATIONS) for key in after.keys() - before.keys())


def everything(scoring: Scoring) -> dict[str, bytes]:
    return scoring.provisioned.objects(scoring.provisioned.settings.curated_bucket)


def test_it_can_be_opened_again(scoring: Scoring) -> None:
    page = say(visit("alarms", alarm=name_of_first(scoring)), "Acknowledge", who="Ana")
    page = say(page, "Open again")
    assert list(alarms(looked_at(page.run()))["State"].iloc[-1]) == ["○ open"]


def test_a_note_is_shown_as_text(scoring: Scoring) -> None:
    page = visit("alarms", alarm=name_of_first(scoring))
    page = say(page, "Only the note", who="<i>Eve</i>", note="<script>alert(1)</script> **x**")
    page = looked_at(page.run())
    assert any("<script>alert(1)</script> **x**" in each.value for each in page.text)
    assert not any("<script>" in each.value or "Eve" in each.value for each in page.markdown)


def test_an_empty_note_is_not_kept(scoring: Scoring) -> None:
    page = say(visit("alarms", alarm=name_of_first(scoring)), "Only the note", who="Ana")
    assert "Nothing was kept" in page.error[0].value
    assert Annotations(scoring.provisioned.curated).read() == []


def test_the_downloads_hold_what_is_shown(scoring: Scoring) -> None:
    found = with_context(read_events(scoring.provisioned.curated), {}, [])
    table = downloads.export(found)
    read = pd.read_parquet(io.BytesIO(downloads._parquet(table)))
    assert read["peak_score"].tolist() == [each.event.peak_score for each in found]
    text = pd.read_csv(io.StringIO(downloads._csv(table)))
    assert text["start"].iloc[0].endswith("Z")
    assert len(text) == len(found)


def test_an_event_document_that_is_damaged_is_told_and_left_out(scoring: Scoring) -> None:
    bad = min(scoring.provisioned.curated.keys(EVENTS))
    scoring.rewrite(bad, lambda body: body[: len(body) // 2])
    page = visit("alarms")
    assert "can't be read" in page.warning[0].value
    [told] = [each.value for each in page.dataframe if "Object" in each.value.columns]
    assert told["Object"].tolist() == [bad]


def test_no_alarm_is_a_sentence(provisioned, packed: PackedModel, wells: Path) -> None:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [QUIET])[:2])
    assert "There is no alarm" in visit("alarms").info[0].value
