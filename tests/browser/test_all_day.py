"""A page that stays open: a storage that goes and comes back, a phone, a keyboard, a bad sensor."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from petrostream.registry.model_files import PackedModel
from petrostream.schema.sensors import SENSOR_NAMES
from tests.support.dashboard import figure, marks, serving
from tests.support.pipeline import Scoring
from tests.support.screenshot import wait_until_drawn
from tests.support.wire import Wire

pytestmark = pytest.mark.browser

WELL, QUIET = "WELL-90005", "WELL-90001"
DESK = {"width": 1440, "height": 1200}
PHONE = {"width": 390, "height": 844}
TIMEOUT_MS = 60_000
MANY_TABS = 80


@pytest.fixture
def scoring(provisioned, packed: PackedModel) -> Scoring:
    return Scoring(provisioned, packed)


@pytest.fixture
def scored(scoring: Scoring, wells: Path) -> Scoring:
    scoring.score(scoring.replay(wells, [QUIET, WELL]))
    return scoring


def visit(running_browser: Browser, address: str, **options: Any) -> Page:
    page = running_browser.new_page(**{"viewport": DESK} | options)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(address)
    page.locator("[data-testid=stVegaLiteChart]").first.wait_for()
    wait_until_drawn(page)
    return page


def test_a_storage_that_goes_is_told_and_one_that_comes_back_is_read(
    scoring: Scoring, wells: Path, running_browser: Browser
) -> None:
    keys = scoring.replay(wells, [WELL])
    scoring.score(keys[:-1])
    environment = scoring.provisioned.environment
    with (
        Wire(environment["AWS_ENDPOINT_URL"]) as wire,
        serving({**environment, "AWS_ENDPOINT_URL": wire.endpoint}) as (address, _),
    ):
        page = visit(running_browser, address)
        readings = figure(page, "Readings")
        before = readings.inner_text()
        wire.cut()
        told = page.get_by_text("The storage does not answer")
        told.first.wait_for()
        expect(readings).to_have_text(before)
        scoring.score(keys[-1:])
        wire.mend()
        expect(readings).to_have_text(f"{len(scoring.curated()):,}", timeout=TIMEOUT_MS)
        expect(told).to_have_count(0, timeout=TIMEOUT_MS)
        page.close()


def test_fleet_fits_a_phone(scored: Scoring, address: str, running_browser: Browser) -> None:
    page = visit(running_browser, address, viewport=PHONE, is_mobile=True, has_touch=True)
    wide = page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stMain] *')]"
        ".filter(each => !each.closest('[data-testid=stDataFrame], [data-testid=stVegaLiteChart]'))"
        ".filter(each => each.getBoundingClientRect().right > window.innerWidth + 1)"
        ".map(each => each.outerHTML.slice(0, 120))"
    )
    assert wide == [], "only tables and charts scroll sideways"
    alarming = page.get_by_role("link", name=WELL).first
    expect(alarming).to_be_visible()
    assert alarming.bounding_box()["width"] <= PHONE["width"] / 2, "two wells beside each other"
    page.close()


def test_a_well_is_reached_by_the_keyboard_and_shows_the_same_time(
    scored: Scoring, address: str, running_browser: Browser
) -> None:
    page = visit(running_browser, f"{address}/?live=off&time=24+h")
    focused = page.locator("a:focus")
    for _ in range(MANY_TABS):
        page.keyboard.press("Tab")
        if focused.count() and WELL in focused.inner_text():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/well\?.*well={WELL}"))
    page.get_by_role("tab", name="Anomalies").wait_for()
    expect(page.get_by_role("radio", name="24 h")).to_be_checked()
    page.close()


def test_live_and_zone_go_with_the_visitor_from_page_to_page(
    scored: Scoring, address: str, running_browser: Browser
) -> None:
    page = visit(running_browser, f"{address}/?zone=America/Sao_Paulo")
    live = page.get_by_role("switch", name="Live")
    expect(live).to_be_checked()
    page.get_by_role("link", name=WELL).first.click()
    page.get_by_role("tab", name="Anomalies").wait_for()
    expect(live).to_be_checked()
    assert "live=on" in page.url
    live.locator("xpath=ancestor::label").click()
    expect(live).not_to_be_checked()
    page.get_by_role("link", name="Data quality").click()
    page.get_by_text("Gaps in time").wait_for()
    expect(live).not_to_be_checked()
    expect(page.get_by_role("combobox", name="Time zone")).to_have_value("America/Sao_Paulo")
    page.close()


def test_the_quality_of_every_sensor_is_painted(
    scored: Scoring, address: str, running_browser: Browser
) -> None:
    rows = scored.curated()
    missing = rows[["well", *SENSOR_NAMES]].groupby("well").agg(lambda column: column.isna().mean())
    known = missing.loc[:, missing.min() < 1]
    page = visit(running_browser, f"{address}/quality?live=off&time=all")
    painted = [item for panel in marks(page, "text") for item in panel if "kind" in item["datum"]]
    cells = {(each["datum"]["well"], each["datum"]["sensor"]): each["text"] for each in painted}
    assert cells.keys() == {(well, name) for well in known.index for name in known}
    gone = {cell for cell, text in cells.items() if text.startswith("M")}
    assert gone == {cell for cell in cells if known.loc[cell] == 1}
    assert all(cells[cell] == "M" for cell in gone)
    assert {text for cell, text in cells.items() if cell not in gone} - {"·"}, "some is frozen"
    page.close()
