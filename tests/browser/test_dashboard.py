"""The dashboard in a browser, on data that went through the real pipeline."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.app import PAGES
from dashboard.ui.chart_axes import ANOMALY_COLOUR
from dashboard.ui.units import labelled, scale_of
from petrostream.registry.model_files import PackedModel
from petrostream.settings import variable
from tests.support.dashboard import MARKS, figure, marks, serving, wait_for_points
from tests.support.pipeline import Scoring
from tests.support.screenshot import wait_until_drawn

pytestmark = pytest.mark.browser

WELL, QUIET = "WELL-90005", "WELL-90001"
TIMEOUT_MS = 60_000
FAR_AWAY = "America/Sao_Paulo"

Visit = Callable[..., Page]


@pytest.fixture
def visit(running_browser: Browser) -> Iterator[Visit]:
    """Open a page of the dashboard, in a time zone that is not UTC, and wait for it."""
    context = running_browser.new_context(
        viewport={"width": 1440, "height": 2000}, timezone_id=FAR_AWAY
    )
    context.set_default_timeout(TIMEOUT_MS)

    def go(address: str) -> Page:
        page = context.new_page()
        page.requests = []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(address)
        page.locator("[data-testid=stAlert], [data-testid=stVegaLiteChart]").first.wait_for()
        wait_until_drawn(page)
        return page

    yield go
    context.close()


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    return Scoring(provisioned, packed)


def painted_points(page: Page) -> list[pd.DataFrame]:
    """The red points of each sensor's panel, as drawn."""
    panels = [
        [point for point in panel if point["fill"] == ANOMALY_COLOUR]
        for panel in marks(page, "symbol")
        if not panel or "anomaly score" in panel[0]["datum"]  # legends have symbols as well
    ]
    assert all(point["opacity"] for panel in panels for point in panel)
    return [
        pd.DataFrame([point["datum"] | {"x": point["x"], "y": point["y"]} for point in panel])
        for panel in panels
    ]


def time_labels(page: Page) -> list[str]:
    texts = [str(item["text"]) for panel in marks(page, "text") for item in panel]
    return [text for text in texts if re.fullmatch(r"\d\d:\d\d", text)]


def milliseconds(times: pd.Series) -> list[int]:
    return (times.astype("int64") // 1000).tolist()


def test_the_page_shows_what_the_curated_bucket_holds(
    scoring: Scoring, wells: Path, address: str, visit: Visit
) -> None:
    scoring.score(scoring.replay(wells, [QUIET, WELL]))
    rows = scoring.curated()
    flagged = rows[rows["anomaly_flag"] == 1]
    page = visit(address)
    assert figure(page, "Readings").inner_text() == f"{len(rows):,}"
    assert figure(page, "Anomalies").inner_text() == f"{len(flagged):,}"
    assert figure(page, "Active wells").inner_text() == "2"

    page.get_by_role("link", name=WELL).first.click()
    page.wait_for_url(f"**/well?**well={WELL}*")
    page.locator("[data-testid=stVegaLiteChart]").first.wait_for()
    wait_for_points(page, len(flagged))
    page.wait_for_url("**sensors=**")
    drawn = parse_qs(urlsplit(page.url).query)["sensors"]
    assert drawn == ["P-TPT", "P-MON-CKP"], "what is alive and drives; P-PDG is frozen"
    *panels, score = painted_points(page)
    assert len(score) == len(flagged) > 2000, "every anomaly, and no other reading"
    assert score["time (UTC)"].tolist() == milliseconds(flagged["timestamp"])
    assert score["anomaly score"].tolist() == pytest.approx(flagged["anomaly_score"].tolist())
    for sensor, points in zip(drawn, panels, strict=True):
        read, factor = flagged[flagged[sensor].notna()], scale_of(sensor).factor
        assert points["time (UTC)"].tolist() == milliseconds(read["timestamp"])
        values = points[labelled(sensor)].tolist()
        assert values == pytest.approx((read[sensor] * factor).tolist())
    wellhead = panels[drawn.index("P-TPT")]
    for points, field in ((wellhead, "P-TPT (MPa)"), (score, "anomaly score")):
        assert points["x"].is_monotonic_increasing
        assert points["y"].corr(points[field]) == pytest.approx(-1), "higher is further up"

    ticks = time_labels(page)
    assert ticks
    assert all(text[:2] in ("00", "01", "02") for text in ticks), "UTC, wherever the browser is"

    page.get_by_role("tab", name="Anomalies").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("rows as CSV")).click()
    saved = pd.read_csv(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert len(saved) == len(flagged)
    times = pd.to_datetime(saved["timestamp"]).dt.tz_localize(None).astype("datetime64[us]")
    assert times.tolist()[::-1] == flagged["timestamp"].tolist()
    np.testing.assert_array_equal(saved["P-TPT"][::-1], flagged["P-TPT"])  # as stored, in Pa

    page.locator("[data-testid=stVegaLiteChart]").hover(position={"x": 600, "y": 100})
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    gone = f"label => !({MARKS})('text').flat().some(each => each.text === label)"
    page.wait_for_function(gone, arg=ticks[-1])

    assert all(url.startswith((address, "data:", "blob:")) for url in page.requests)


def test_every_page_opens_by_its_name_with_its_parameters(
    scoring: Scoring, wells: Path, address: str, running_browser: Browser
) -> None:
    scoring.score(scoring.replay(wells, [WELL]))
    with running_browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        for path, entry in [("", PAGES[0]), *((each.name, each) for each in PAGES)]:
            page = context.new_page()
            page.goto(f"{address}/{path}?live=off&zone=Europe/London")
            expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)
            wait_until_drawn(page)
            assert page.get_by_text("Page not found").count() == 0
            expect(page.locator("[aria-current=page]")).to_have_text(re.compile(entry.title))
            at = urlsplit(page.url)
            assert at.path == f"/{path}"
            assert parse_qs(at.query)["zone"] == ["Europe/London"]
            expect(page.get_by_role("switch", name="Live")).not_to_be_checked()
            page.close()


def test_what_was_opened_by_name_leads_on(
    scoring: Scoring, wells: Path, address: str, visit: Visit
) -> None:
    scoring.score(scoring.replay(wells, [WELL]))
    page = visit(f"{address}/fleet?live=off&time=24+h")
    page.get_by_role("link", name=WELL).first.click()
    page.wait_for_url(f"**/well?**well={WELL}*")
    page.get_by_role("link", name="Fleet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fleet")
    expect(page.get_by_role("switch", name="Live")).not_to_be_checked()


def test_a_new_batch_appears_without_a_click(
    scoring: Scoring, wells: Path, address: str, visit: Visit
) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:-1])
    before = scoring.curated()
    page = visit(f"{address}/well?well={WELL}&sensors=P-TPT&time=24+h")
    assert len(painted_points(page)[-1]) == before["anomaly_flag"].sum()
    scoring.score(keys[-1:])
    after = scoring.curated()
    assert len(after) > len(before)
    wait_for_points(page, int(after["anomaly_flag"].sum()))


def test_a_stopped_page_waits_for_refresh(
    scoring: Scoring, wells: Path, address: str, visit: Visit
) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:-1])
    before = scoring.curated()
    page = visit(f"{address}/?live=off")
    scoring.score(keys[-1:])
    page.wait_for_timeout(7_000)
    assert figure(page, "Readings").inner_text() == f"{len(before):,}"
    page.get_by_role("button", name="Refresh").click()
    after = f"{len(scoring.curated()):,}"
    expect(figure(page, "Readings")).to_have_text(after, timeout=TIMEOUT_MS)


def test_zoom_and_choice_survive_refreshes(
    scoring: Scoring, wells: Path, address: str, visit: Visit
) -> None:
    scoring.score(scoring.replay(wells, [WELL]))
    page = visit(f"{address}/well?well={WELL}&sensors=T-TPT")
    before = time_labels(page)
    page.locator("[data-testid=stVegaLiteChart]").hover(position={"x": 600, "y": 100})
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    gone = f"label => !({MARKS})('text').flat().some(each => each.text === label)"
    page.wait_for_function(gone, arg=before[-1])
    zoomed = time_labels(page)
    page.wait_for_timeout(12_000)
    assert time_labels(page) == zoomed != before
    assert "sensors=T-TPT" in page.url


def test_a_link_opens_the_same_view(
    scoring: Scoring, wells: Path, address: str, visit: Visit
) -> None:
    scoring.score(scoring.replay(wells, [QUIET, WELL]))
    page = visit(
        f"{address}/well?well={WELL}&time=1+h&until=2024-01-01T01:40&zone=America/Sao_Paulo"
    )
    shown = time_labels(page)
    assert shown
    assert all(text[:2] in ("21", "22") for text in shown), "São Paulo is at UTC-3"
    again = visit(page.url)
    assert time_labels(again) == shown


def test_an_endpoint_that_does_not_answer_is_explained(visit: Visit) -> None:
    environment = {variable("curated_bucket"): "curated"}
    with serving(environment) as (address, _):
        page = visit(address)
        text = page.locator("[data-testid=stApp]").inner_text()
    assert "The storage does not answer" in text
    assert "petrostream up" in text
    assert "Traceback" not in text
