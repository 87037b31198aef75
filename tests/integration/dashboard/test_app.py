"""The page as a visitor meets it: with data, without, and when something is wrong."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.alarms.alarm import Alarm
from dashboard.alarms.wording import described
from dashboard.forecast.background import ForecastOrigin, Forecasts
from dashboard.shell import page_frame, session
from dashboard.views.quality.sensor_grid import sensor_grid
from dashboard.views.well import recording_chart
from dashboard.wells.status import wells_of
from petrostream.alarms.annotations import Annotation, AnnotationKind, Annotations
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.detection.normal_band import tolerances
from petrostream.detection.profiles import from_json, list_to_json
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import SCORED, SUMMARIES, profile_key, recommissioned_key
from petrostream.scoring import summaries
from petrostream.scoring.totals import read_events
from petrostream.settings import PROJECT_ROOT, variable
from tests.support.pages import QUIET, WELL, looked_at, page_script
from tests.support.pipeline import Scoring

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")

APP = PROJECT_ROOT / "dashboard" / "app.py"
SUGGESTED = ["P-TPT", "P-MON-CKP"]
"""P-PDG is frozen at that well; P-MON-CKP drives its alarms."""

PARQUET = "application/vnd.apache.parquet"


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    return Scoring(provisioned, packed)


@pytest.fixture
def scored(two_wells: Scoring) -> pd.DataFrame:
    """Two wells' curated rows, one with anomalies."""
    return two_wells.curated()


def visit(name: str = "well", /, **address: str | list[str]) -> AppTest:
    """Open a page at an address."""
    page = page_script(name)
    for parameter, value in address.items():
        page.query_params[parameter] = value
    return looked_at(page.run())


def refresh(page: AppTest) -> AppTest:
    [button] = [each for each in page.button if each.label == "Refresh"]
    return looked_at(button.click().run())


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def chart(page: AppTest) -> dict[str, Any]:
    [element] = page.get("vega_lite_chart")
    spec: dict[str, Any] = json.loads(element.proto.spec)
    return spec


def panels(page: AppTest) -> list[str]:
    titles = [panel["title"]["text"].split(",")[0] for panel in chart(page)["vconcat"]]
    return [title for title in titles if not title.startswith(("Anomaly score", "3W label"))]


def table(page: AppTest, column: str) -> pd.DataFrame:
    [found] = [each.value for each in page.dataframe if column in each.value.columns]
    return found


def alarms_listed(page: AppTest) -> dict[str, str]:
    """What the links of Fleet's newest alarms say, and what they ask the Well page for."""
    links = [each.proto for each in page.get("page_link")]
    return {each.label: each.query_string for each in links if each.label.startswith("WELL-")}


def readings_shown(page: AppTest) -> int:
    """How many of its batches' readings the page knows of, from the state that it holds."""
    return int(page.session_state["snapshot"].table["rows"].sum())


def test_an_address_without_a_name_opens_fleet_and_nothing_stands_above_it(provisioned) -> None:
    page = looked_at(AppTest.from_file(str(APP), default_timeout=60).run())
    head, *_ = page.main.children.values()
    assert [each.value for each in head.children.values() if each.type == "title"] == ["Fleet"]


def test_the_figures_are_the_curated_ones(scored: pd.DataFrame) -> None:
    shown = figures(visit("fleet"))
    flagged, judged = scored["anomaly_flag"].sum(), (scored["status"] == "scored").sum()
    assert shown["Readings"] == f"{len(scored):,}"
    assert shown["Anomalies"] == f"{flagged:,}"
    assert shown["Anomaly rate"] == f"{flagged / judged:.2%}"
    assert shown["Active wells"] == "2"
    assert shown["Wells in alarm"] == "1"


def test_alarms_are_open_until_somebody_acknowledges_them(
    scoring: Scoring, scored: pd.DataFrame
) -> None:
    curated = scoring.provisioned.curated
    events = read_events(curated)
    assert figures(visit("fleet"))["Open alarms"] == f"{len(events)}"
    one = events[0]
    said = (one.well, one.recording, one.start, one.end)
    Annotations(curated).add(
        Annotation(*said, AnnotationKind.ACKNOWLEDGED, "Ana", datetime(2026, 11, 21))
    )
    st.cache_resource.clear()
    shown = {each.label: (each.value, each.delta) for each in visit("fleet").metric}
    assert shown["Open alarms"] == (f"{len(events) - 1}", f"of {len(events)}")


def test_every_figure_is_defined(scored: pd.DataFrame) -> None:
    metrics = visit("fleet").metric
    assert len(metrics) == 7
    assert all(metric.proto.help for metric in metrics)


def test_the_worst_well_comes_first_and_says_why(scored: pd.DataFrame) -> None:
    page = visit("fleet")
    links = [each.proto for each in page.get("page_link")]
    assert [each.label for each in links][:2] == [f"**{WELL}**", f"**{QUIET}**"]
    assert f"well={WELL}" in links[0].query_string
    texts = [each.value for each in page.markdown]
    assert [text for text in texts if text.endswith("**]")] == [
        ":red[**▲ alarm now**]",
        ":blue[**● normal**]",
    ]
    [why] = [each.value for each in page.caption if "furthest off" in each.value]
    assert why.startswith(f"{scored['anomaly_flag'].sum():,} anomalies")


def test_the_newest_alarms_are_those_of_the_events(scoring: Scoring, scored: pd.DataFrame) -> None:
    events = sorted(read_events(scoring.provisioned.curated), key=lambda event: -event.end)[:10]
    page = visit("fleet")
    lines = [each.value for each in page.markdown if "score up to" in each.value]
    assert lines == [
        described(Alarm(event)) for event in sorted(events, key=lambda event: -event.start)
    ]
    assert len(alarms_listed(page)) == len(lines)
    assert all(f"well={WELL}&" in query for query in alarms_listed(page).values())


def test_times_are_in_the_chosen_zone(scored: pd.DataFrame) -> None:
    utc, there = (
        [datetime.fromisoformat(label.split(", ")[1]) for label in alarms_listed(page)]
        for page in (visit("fleet"), visit("fleet", zone="America/Sao_Paulo"))
    )
    assert {one - other for one, other in zip(utc, there, strict=True)} == {timedelta(hours=3)}


def test_the_quality_of_every_sensor_of_every_well_is_shown(scored: pd.DataFrame) -> None:
    page = visit("quality")
    assert chart(page)
    snapshot = page.session_state["snapshot"]
    grid = sensor_grid(snapshot, wells_of(snapshot, None))
    kinds = grid.set_index(["well", "sensor"])["kind"]
    rows = scored[scored["well"] == WELL]
    assert kinds[WELL, "ABER-CKGL"] == "missing"
    assert rows["ABER-CKGL"].isna().all()
    assert kinds[WELL, "P-TPT"] == "good"
    assert any("no time is missing" in each.value for each in page.info)


def test_a_time_can_be_asked_for(scored: pd.DataFrame) -> None:
    page = visit(well=WELL, time="1 h", until="2024-01-01T01:40")
    shown = table(page, "anomaly_score")
    expected = scored[(scored["well"] == WELL) & (scored["anomaly_flag"] == 1)]
    expected = expected.set_index("timestamp")["2024-01-01 00:40":"2024-01-01 01:40:00"]
    assert sorted(shown["timestamp"]) == expected.index.tolist()
    assert len(shown) > 0
    assert page.query_params["until"] == "2024-01-01T01:40"


def test_a_time_without_readings_is_a_sentence(scored: pd.DataFrame) -> None:
    page = visit(well=WELL, time="1 h", until="2019-01-01T00:00")
    assert "no readings in this time" in page.info[0].value


@pytest.mark.parametrize("until", ["9999-12-31T23:59", "0001-01-01T00:00", "1970-01-02T00:00"])
@pytest.mark.usefixtures("two_wells")
def test_a_time_at_the_end_of_all_calendars_is_no_traceback(until: str) -> None:
    page = visit(well=WELL, time="1 h", until=until, zone="Pacific/Kiritimati")
    assert not page.exception
    earlier = next((each for each in page.button if each.label == "Earlier"), None)
    if earlier is not None:
        assert not earlier.click().run().exception


def test_the_grid_has_every_anomaly_of_the_recording(scored: pd.DataFrame) -> None:
    shown = table(visit(), "anomaly_score").sort_values("timestamp")
    flagged = scored[scored["anomaly_flag"] == 1]
    assert shown["timestamp"].tolist() == flagged["timestamp"].tolist()
    assert shown["anomaly_score"].tolist() == pytest.approx(flagged["anomaly_score"].tolist())
    assert shown["P-TPT"].tolist() == pytest.approx((flagged["P-TPT"] / 1e6).tolist(), nan_ok=True)
    assert set(shown["well"]) == {WELL}


def test_the_choice_stands_in_the_address_and_is_read_from_it(scored: pd.DataFrame) -> None:
    page = visit(well=QUIET, sensors=["T-TPT", "QGL"])
    assert panels(page) == ["T-TPT", "QGL"]
    page.selectbox(key="well").select(WELL).run()
    assert looked_at(page).query_params["well"] == WELL
    page.multiselect[0].set_value(["P-ANULAR"]).run()
    assert looked_at(page).query_params["sensors"] == "P-ANULAR"
    assert panels(page) == ["P-ANULAR"]
    assert not page.warning


def test_sensors_that_a_recording_lacks_are_told(scored: pd.DataFrame) -> None:
    page = visit(well=WELL, sensors=["T-TPT", "ABER-CKGL", "<b>bold</b>"])
    assert panels(page) == ["T-TPT"]
    [told] = [each.value for each in page.caption if each.value.startswith("No readings")]
    assert "`ABER-CKGL`" in told
    assert "bold" not in told


def test_the_alarms_of_the_shown_time_lead_to_the_page_of_alarms(
    scored: pd.DataFrame, scoring: Scoring
) -> None:
    rows = scored[(scored["well"] == WELL) & (scored["alarm"] == 1)]
    page = visit(well=WELL)
    links = [each.proto for each in page.get("page_link") if "alarm=" in each.proto.query_string]
    starts = [parse_qs(each.query_string)["alarm"][0].split("/") for each in links]
    assert [start[:2] for start in starts] == [[WELL, rows["recording"].iloc[0]]] * len(starts)
    first = int(rows["timestamp"].iloc[0].timestamp() * 1_000_000)
    assert int(starts[-1][2]) == first
    [said] = [each.value for each in page.markdown if "score up to" in each.value]
    assert f"score up to {rows['anomaly_score'].max():.2f}" in said
    shown = visit("alarms", alarm=f"{WELL}/{starts[-1][1]}/{starts[-1][2]}")
    assert any("score up to" in each.value for each in shown.markdown), "it is the chosen one"


def test_an_alarm_that_began_before_the_shown_time_is_shown_whole(
    scored: pd.DataFrame, scoring: Scoring
) -> None:
    rows = scored[(scored["well"] == WELL) & (scored["alarm"] == 1)]
    middle = rows["timestamp"].iloc[len(rows) // 2].floor("min")
    page = visit(well=WELL, time="1 h", until=f"{middle:%Y-%m-%dT%H:%M}")
    [link] = [each.proto for each in page.get("page_link") if "alarm=" in each.proto.query_string]
    assert str(int(rows["timestamp"].iloc[0].timestamp() * 1_000_000)) in link.query_string


def test_a_quiet_well_has_no_alarm(scored: pd.DataFrame) -> None:
    assert any("No alarm" in each.value for each in visit(well=QUIET).markdown)


def test_each_chosen_sensor_has_a_forecast_or_a_reason(scored: pd.DataFrame) -> None:
    page = visit(well=WELL, live="off", sensors=["P-TPT", "T-TPT"])
    [said] = [each.value for each in page.caption if "**P-TPT**" in each.value]
    assert said.count("no forecast, it takes 3 h of the same recording") == 2


def test_a_forecast_goes_by_the_versions_of_the_batches_before_it(
    scored: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = [], Forecasts.ask

    def watched(forecasts: Forecasts, origin: ForecastOrigin, *arguments: Any) -> Any:
        asked.append(origin)
        return ask(forecasts, origin, *arguments)

    monkeypatch.setattr(Forecasts, "ask", watched)
    page = visit(well=WELL, live="off")
    snapshot = page.session_state["snapshot"]
    batches = snapshot.chosen(snapshot.of_well(WELL))
    assert asked[-1].past == tuple((each.key, each.etag) for each in batches)


def test_off_by_is_in_the_scale_of_the_band(scored: pd.DataFrame, scoring: Scoring) -> None:
    [reason] = [each.value for each in visit(well=WELL).caption if "Green" in each.value]
    assert "what the detector takes for normal" in reason
    health = table(visit(well=WELL), "Off by").set_index("Sensor")
    rows = scored[scored["well"] == WELL]
    name = rows["recording"].iloc[0]
    stored = scoring.provisioned.curated.get(profile_key(WELL, name), at_most=2**20)
    registry = scoring.provisioned.registry
    known = tolerances(registry.load(registry.pointer()).detector, from_json(stored.body))
    newest = rows["P-TPT"].dropna().iloc[-1]
    [off] = [value for sensor, value in health["Off by"].items() if sensor.startswith("P-TPT,")]
    assert off == f"{known['P-TPT'].edges_off(newest):.2f}"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[recording_chart.Context]:
    """What was drawn around the readings, the newest last."""
    seen, chart_of = [], recording_chart.recording_chart

    def watched(rows: pd.DataFrame, sensors: list[str], context: recording_chart.Context) -> Any:
        seen.append(context)
        return chart_of(rows, sensors, context)

    monkeypatch.setattr(recording_chart, "recording_chart", watched)
    return seen


def test_a_recommissioned_well_has_the_band_of_its_new_profile(
    scored: pd.DataFrame, scoring: Scoring, drawn: list[recording_chart.Context]
) -> None:
    rows = scored[scored["well"] == WELL]
    name, curated = rows["recording"].iloc[0], scoring.provisioned.curated
    first = from_json(curated.get(profile_key(WELL, name), at_most=2**20).body)
    middle = int(rows["timestamp"].iloc[len(rows) // 2].timestamp() * 1_000_000)
    known = first.sensors["P-TPT"]
    moved = first.sensors | {"P-TPT": replace(known, centre=known.centre + 1e6)}
    new = replace(first, end=middle, sensors=moved)
    curated.put(recommissioned_key(WELL, name), list_to_json([new]), "application/json")
    page = visit(well=WELL, sensors=["P-TPT"])
    before, after = drawn[-1].bands["P-TPT"].itertuples()
    assert (before.low + before.high) / 2 == pytest.approx(known.centre)
    assert (after.low + after.high) / 2 == pytest.approx(known.centre + 1e6)
    health = table(page, "Off by").set_index("Sensor")
    [normal] = [value for sensor, value in health["Normal"].items() if "P-TPT" in sensor]
    assert normal == pytest.approx((known.centre + 1e6) / 1e6)


def test_what_another_model_scored_has_no_band_and_the_page_says_so(
    scored: pd.DataFrame, scoring: Scoring, drawn: list[recording_chart.Context]
) -> None:
    page = visit(well=WELL, sensors=["P-TPT"])
    assert len(drawn[-1].bands["P-TPT"]) == 1
    [said] = [each.value for each in page.caption if "Green" in each.value]
    assert "another model" not in said
    st.cache_resource.clear()
    curated = scoring.provisioned.curated
    for key in curated.keys(f"{SUMMARIES}date=2024-01-01/"):
        figures = summaries.decode([key.rsplit("/", 1)[1].removesuffix(".json")]).copy()
        figures["model"] = summaries.short_version("fedcba98")
        body = curated.get(key, at_most=2**20).body
        curated.delete(key)
        curated.put(
            f"{key.rsplit('/', 1)[0]}/{summaries.encode(figures[0])}.json", body, "application/json"
        )
    page = visit(well=WELL, sensors=["P-TPT"])
    assert drawn[-1].bands["P-TPT"].empty
    [said] = [each.value for each in page.caption if "Green" in each.value]
    assert "another model than the published one" in said
    assert set(table(page, "Off by")["Off by"]) == {"–"}


def test_without_a_model_the_band_says_what_it_is(scored: pd.DataFrame, monkeypatch) -> None:
    monkeypatch.setenv(variable("model_parameter"), "/not/there")
    [reason] = [each.value for each in visit(well=WELL).caption if "Green" in each.value]
    assert "centre ± 3 spreads" in reason


def test_a_well_that_may_still_be_listed_is_waited_for(scored: pd.DataFrame, monkeypatch) -> None:
    def halfway(*arguments: object, **options: object) -> session.Sight:
        sight = look(*arguments, **options)
        return replace(sight, snapshot=replace(sight.snapshot, pending=(1, 2)))

    look = session.look
    monkeypatch.setattr(page_frame, "look", halfway)
    page = visit(well="WELL-99999")
    assert "`WELL-99999` is not among the wells that were listed so far" in page.info[0].value
    assert page.query_params["well"] == "WELL-99999", "the link is kept"
    assert panels(visit(well=WELL)) == SUGGESTED


def test_the_driving_sensors_are_a_click_away(scored: pd.DataFrame) -> None:
    page = visit(well=WELL)
    [button] = [each for each in page.button if each.label == "Driving sensors"]
    looked_at(button.click().run())
    named = scored.loc[scored["anomaly_flag"] == 1, "drivers"].str.extractall(r"([A-Z-]+)=(\d+)")
    percents = named[1].astype(int).groupby(named[0]).sum().sort_values(ascending=False)
    assert panels(page) == percents.index[:3].tolist()
    assert page.query_params["sensors"] == panels(page)


def test_a_well_without_anomalies_says_so(scored: pd.DataFrame) -> None:
    page = visit(well=QUIET)
    assert any("No reading was flagged" in each.value for each in page.info)


def test_no_sensor_at_all_leaves_the_score(scored: pd.DataFrame) -> None:
    page = visit(well=WELL)
    page.multiselect[0].set_value([]).run()
    assert panels(looked_at(page)) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("WELL-99999", "There is no well `WELL-99999`; `WELL-90005` is shown instead."),
        ("![x](http://example.com/x)", "There is no well of that name; `WELL-90005` is shown"),
        ("", "There is no well of that name"),
    ],
)
def test_an_unknown_well_in_the_address_is_a_sentence(
    scored: pd.DataFrame, name: str, told: str
) -> None:
    page = visit(well=name)
    [warning] = page.warning
    assert told in warning.value
    [still] = looked_at(page.run()).warning
    assert still.value == warning.value
    assert panels(page) == SUGGESTED
    page.selectbox(key="well").select(QUIET).run()
    assert not looked_at(page).warning


def test_refresh_shows_what_came_meanwhile(scoring: Scoring, wells: Path) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:2])
    page = visit("fleet", live="off")
    assert figures(page)["Readings"] == "1,500"
    scoring.score(keys[2:3])
    assert figures(looked_at(page.run()))["Readings"] == "1,500", "only Refresh reads again"
    assert figures(refresh(page))["Readings"] == "2,100"


def test_a_live_page_shows_what_came_meanwhile(scoring: Scoring, wells: Path) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:2])
    page = visit("fleet")
    scoring.score(keys[2:3])
    page.run()  # it may still be listing
    assert figures(looked_at(page.run()))["Readings"] == "2,100"


def test_nothing_scored_yet_says_what_to_do(provisioned) -> None:
    page = visit()
    assert "petrostream replay DATA" in page.info[0].value
    assert not page.error
    assert not page.metric


def test_nothing_scored_yet_then_refresh(scoring: Scoring, wells: Path) -> None:
    page = visit(well=WELL)
    scoring.score(scoring.replay(wells, [QUIET, WELL])[:20])
    assert panels(refresh(page)) == SUGGESTED
    assert page.selectbox(key="well").value == WELL


def test_no_stack_says_what_to_do() -> None:
    page = visit()
    assert "`petrostream up`" in page.error[0].value


def test_the_stack_that_is_up_is_found_even_if_it_came_later(provisioned, monkeypatch) -> None:
    for name in provisioned.environment:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    page = visit()
    assert "`petrostream up`" in page.error[0].value
    stack = Path(os.environ[variable("state")]) / "local.json"
    stack.parent.mkdir()
    stack.write_text(json.dumps({"environment": provisioned.environment}))
    assert "petrostream replay" in refresh(page).info[0].value
    stack.unlink()
    assert "`petrostream up`" in refresh(page).error[0].value


def test_a_stack_file_that_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "local.json").write_text("{")
    assert visit().error


def test_an_endpoint_that_does_not_answer_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "curated")
    page = visit()
    assert "does not answer" in page.error[0].value
    assert "petrostream status" in page.error[0].value


def test_an_endpoint_that_is_no_address_is_a_sentence(monkeypatch) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "curated")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    assert visit().error


def test_a_missing_bucket_says_what_to_do(provisioned, monkeypatch) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "not-there")
    page = visit()
    assert "does not exist" in page.error[0].value
    assert "petrostream up" in page.error[0].value


class Refusing(BaseHTTPRequestHandler):
    """An S3 that refuses everything."""

    def do_GET(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def test_a_lack_of_permission_says_which(monkeypatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv(variable("curated_bucket"), "curated")
        page = visit()
        server.shutdown()
    assert "s3:ListBucket" in page.error[0].value


@pytest.fixture
def mortal(scoring: Scoring, wells: Path, monkeypatch) -> Iterator["subprocess.Popen[str]"]:
    """Another embedded AWS with curated objects, which a test may kill."""
    keys = scoring.replay(wells, [QUIET, WELL])
    scoring.score([keys[0], *(key for key in keys if WELL in key)])
    curated = scoring.provisioned.settings.curated_bucket
    objects = scoring.provisioned.objects(curated)
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.server"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{int(server.stdout.readline())}")
        s3 = clients.s3()
        s3.create_bucket(Bucket=curated)
        for key, body in objects.items():
            Bucket(curated, s3).put(key, body, PARQUET)
        yield server
        server.kill()


def test_a_storage_that_goes_away_leaves_what_was_read(mortal: "subprocess.Popen[str]") -> None:
    page = visit()
    before = readings_shown(page)
    mortal.kill()
    mortal.wait()
    assert "does not answer" in refresh(page).error[0].value
    assert readings_shown(page) == before
    assert panels(page) == SUGGESTED
    assert looked_at(page.run()).error, "it stays until Refresh succeeds"
    page.selectbox(key="well").select(QUIET).run()
    assert all("does not answer" in each.value for each in looked_at(page).error)


def test_a_half_written_object_is_named_and_the_others_are_shown(
    scoring: Scoring, wells: Path
) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    bad = sorted(scoring.provisioned.curated.keys(SCORED))[1]
    scoring.rewrite(bad, lambda body: body[: len(body) // 2])
    page = visit()
    assert "can't be read" in page.warning[0].value
    assert table(page, "Object")["Object"].tolist() == [bad]
    assert chart(page)


def test_what_is_removed_with_its_summary_is_no_longer_named(scoring: Scoring, wells: Path) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:3])
    curated = scoring.provisioned.curated
    bad, summary = sorted(curated.keys(SCORED))[1], sorted(curated.keys(SUMMARIES))[1]
    scoring.rewrite(bad, lambda body: body[: len(body) // 2])
    page = visit()
    assert table(page, "Object")["Object"].tolist() == [bad]
    curated.delete(bad)
    curated.delete(summary)
    page.button[0].click().run()
    assert not page.warning
    assert chart(page)


def test_only_unreadable_objects_are_named_too(scoring: Scoring, wells: Path) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:1])
    [bad] = scoring.provisioned.curated.keys(SCORED)
    scoring.rewrite(bad, lambda body: body[:-8])
    page = visit()
    assert table(page, "Object")["Object"].tolist() == [bad]
    assert not page.metric
