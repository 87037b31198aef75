"""The page as a visitor meets it: with data, without, and when something is wrong."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from petrostream import aws
from petrostream.keys import SCORED
from petrostream.models import PackedModel
from petrostream.settings import PROJECT_ROOT, variable
from petrostream.storage import Bucket
from tests.browser._pipeline import Scoring

# pyarrow 25 asks pandas 3.1 for `.values` of the time stamps with a zone that go to the chart
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops")

APP = PROJECT_ROOT / "dashboard" / "app.py"
PARQUET = "application/vnd.apache.parquet"
WELL, QUIET = "WELL-90005", "WELL-90001"


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No test sees what another one's page has read."""
    st.cache_resource.clear()


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    return Scoring(provisioned, packed)


@pytest.fixture(scope="module")
def kept() -> dict[str, bytes]:
    """Two wells' scored objects, once a test has had them scored."""
    return {}


@pytest.fixture
def scored(scoring: Scoring, wells: Path, kept: dict[str, bytes]) -> pd.DataFrame:
    """Two wells' curated rows, one with anomalies."""
    if not kept:
        scoring.score(scoring.replay(wells, [QUIET, WELL]))
        kept |= scoring.provisioned.objects(scoring.provisioned.settings.curated_bucket, SCORED)
    for key, body in kept.items():
        scoring.provisioned.curated.put(key, body, PARQUET)
    return scoring.curated()


def visit(**address: str | list[str]) -> AppTest:
    """Open the page at an address."""
    page = AppTest.from_file(APP, default_timeout=60)
    for name, value in address.items():
        page.query_params[name] = value
    return looked_at(page.run())


def refresh(page: AppTest) -> AppTest:
    [button] = [each for each in page.button if each.label == "Refresh"]
    return looked_at(button.click().run())


def looked_at(page: AppTest) -> AppTest:
    assert not page.exception, [each.value for each in page.exception]
    return page


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def chart(page: AppTest) -> dict[str, Any]:
    [element] = page.get("vega_lite_chart")
    spec: dict[str, Any] = json.loads(element.proto.spec)
    return spec


def panels(page: AppTest) -> list[str]:
    return [panel["title"].split(",")[0] for panel in chart(page)["vconcat"]][:-1]


def table(page: AppTest, column: str) -> pd.DataFrame:
    [found] = [each.value for each in page.dataframe if column in each.value.columns]
    return found


def test_the_figures_are_the_curated_ones(scored: pd.DataFrame) -> None:
    shown = figures(visit())
    flagged, judged = scored["anomaly_flag"].sum(), (scored["status"] == "scored").sum()
    assert shown["Readings"] == f"{len(scored):,}"
    assert shown["Anomalies"] == f"{flagged:,}"
    assert shown["Anomaly rate"] == f"{flagged / judged:.2%}"
    assert shown["Active wells"] == "2"
    assert shown["Newest reading (UTC)"] == f"{scored['timestamp'].max():%Y-%m-%d %H:%M}"


def test_every_figure_is_defined(scored: pd.DataFrame) -> None:
    assert all(metric.proto.help for metric in visit().metric)


def test_the_worst_well_comes_first_and_is_shown(scored: pd.DataFrame) -> None:
    page = visit()
    wells = table(page, "State")
    assert wells["Well"].tolist() == [WELL, QUIET]
    assert [list(state) for state in wells["State"]] == [["▲ alarm now"], ["● normal"]]
    assert wells["Anomalies"].tolist() == [scored["anomaly_flag"].sum(), 0]
    assert page.selectbox(key="well").value == WELL
    assert panels(page) == ["P-PDG", "P-TPT"]


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
    assert page.query_params["recording"] == f"{WELL}_20240101000000"
    assert panels(page) == ["P-ANULAR"]
    assert not page.warning


def test_sensors_that_a_recording_lacks_are_told(scored: pd.DataFrame) -> None:
    page = visit(well=WELL, sensors=["T-TPT", "ABER-CKGL", "<b>bold</b>"])
    assert panels(page) == ["T-TPT"]
    [told] = [each.value for each in page.caption if each.value.startswith("No readings")]
    assert "`ABER-CKGL`" in told
    assert "bold" not in told


def test_a_chosen_time_narrows_chart_and_grid(scored: pd.DataFrame) -> None:
    page = visit()
    page.slider[0].set_range(datetime(2024, 1, 1, 1, 30), datetime(2024, 1, 1, 1, 31)).run()
    shown = table(looked_at(page), "anomaly_score")
    expected = scored[(scored["anomaly_flag"] == 1)].set_index("timestamp")
    expected = expected["2024-01-01 01:30:00":"2024-01-01 01:31:00"]
    assert sorted(shown["timestamp"]) == expected.index.tolist()
    assert len(shown) > 0


def test_a_long_recording_is_shown_from_its_newest_hours() -> None:
    page = AppTest.from_string(
        "from datetime import datetime\n"
        "from dashboard.choice import choose_time\n"
        "choose_time('a', datetime(2014, 3, 14, 18, 0, 7), datetime(2014, 3, 16, 7, 55, 30))\n"
    )
    looked_at(page.run())
    assert page.slider[0].value == (datetime(2014, 3, 16, 1, 56), datetime(2014, 3, 16, 7, 56))


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
    page = visit(well=name, recording="WELL-99999_20240101000000")
    [warning] = page.warning
    assert told in warning.value
    assert len(page.metric) == 5


def test_an_unknown_recording_in_the_address_is_a_sentence(scored: pd.DataFrame) -> None:
    [warning] = visit(well=WELL, recording="nothing").warning
    assert "There is no recording `nothing`" in warning.value


def test_refresh_shows_what_came_meanwhile(scoring: Scoring, wells: Path) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:2])
    page = visit(live="off")
    assert figures(page)["Readings"] == "1,500"
    scoring.score(keys[2:3])
    assert figures(looked_at(page.run()))["Readings"] == "1,500", "only Refresh reads again"
    assert figures(refresh(page))["Readings"] == "2,100"


def test_nothing_scored_yet_says_what_to_do(provisioned) -> None:
    page = visit()
    assert "make replay DATA=" in page.info[0].value
    assert not page.error
    assert not page.metric


def test_nothing_scored_yet_then_refresh(scoring: Scoring, wells: Path) -> None:
    page = visit(well=WELL)
    scoring.score(scoring.replay(wells, [QUIET, WELL])[:20])
    assert len(refresh(page).metric) == 5
    assert page.selectbox(key="well").value == WELL


def test_no_stack_says_what_to_do() -> None:
    page = visit()
    assert "`make up`" in page.error[0].value


def test_the_stack_that_is_up_is_found_even_if_it_came_later(provisioned, monkeypatch) -> None:
    for name in provisioned.environment:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    page = visit()
    assert "`make up`" in page.error[0].value
    stack = Path(os.environ[variable("state")]) / "local.json"
    stack.parent.mkdir()
    stack.write_text(json.dumps({"environment": provisioned.environment}))
    assert "make replay" in refresh(page).info[0].value
    stack.unlink()
    assert "`make up`" in refresh(page).error[0].value


def test_a_stack_file_that_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "local.json").write_text("{")
    assert visit().error


def test_an_endpoint_that_does_not_answer_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "curated")
    page = visit()
    assert "does not answer" in page.error[0].value
    assert "make status" in page.error[0].value


def test_an_endpoint_that_is_no_address_is_a_sentence(monkeypatch) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "curated")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    assert visit().error


def test_a_missing_bucket_says_what_to_do(provisioned, monkeypatch) -> None:
    monkeypatch.setenv(variable("curated_bucket"), "not-there")
    page = visit()
    assert "does not exist" in page.error[0].value
    assert "make up" in page.error[0].value


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
    objects = scoring.provisioned.objects(curated, SCORED)
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.server"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{int(server.stdout.readline())}")
        s3 = aws.s3()
        s3.create_bucket(Bucket=curated)
        for key, body in objects.items():
            Bucket(curated, s3).put(key, body, PARQUET)
        yield server
        server.kill()


def test_a_storage_that_goes_away_leaves_what_was_read(mortal: "subprocess.Popen[str]") -> None:
    page = visit()
    before = figures(page)
    mortal.kill()
    mortal.wait()
    assert "does not answer" in refresh(page).error[0].value
    assert figures(page) == before
    assert panels(page) == ["P-PDG", "P-TPT"]
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
    assert figures(page)["Readings"] == "1,500"
    assert "can't be read" in page.warning[0].value
    assert table(page, "Object")["Object"].tolist() == [bad]
    assert chart(page)


def test_only_unreadable_objects_are_named_too(scoring: Scoring, wells: Path) -> None:
    scoring.score(scoring.replay(wells, [WELL])[:1])
    [bad] = scoring.provisioned.curated.keys(SCORED)
    scoring.rewrite(bad, lambda body: body[:-8])
    page = visit()
    assert table(page, "Object")["Object"].tolist() == [bad]
    assert not page.metric
