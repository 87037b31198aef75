"""What an operator does in a browser: say something of an alarm, move dead letters back, ask."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.ui.chart_axes import ANOMALY_COLOUR
from petrostream.alarms.annotations import Annotations
from petrostream.alarms.events import Event
from petrostream.registry.model_files import PackedModel
from petrostream.schema.keys import second_of
from petrostream.scoring.totals import read_events
from tests.support.dashboard import figure, marks, serving
from tests.support.pipeline import Scoring
from tests.support.screenshot import wait_until_drawn

pytestmark = pytest.mark.browser

WELL = "WELL-90005"
TIMEOUT_MS = 60_000


@pytest.fixture
def scoring(provisioned, packed: PackedModel, wells: Path) -> Scoring:
    scoring = Scoring(provisioned, packed)
    scoring.score(scoring.replay(wells, [WELL]))
    return scoring


def visit(running_browser: Browser, address: str) -> Page:
    page = running_browser.new_page(viewport={"width": 1440, "height": 1600})
    page.set_default_timeout(TIMEOUT_MS)
    page.requests = []  # type: ignore[attr-defined]
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(address)
    page.locator("[data-testid=stDataFrame], [data-testid=stTextArea]").first.wait_for()
    wait_until_drawn(page)
    return page


def button(page: Page, name: str):
    return page.get_by_role("button", name=re.compile(name))


def stays_here(page: Page, address: str) -> bool:
    return all(url.startswith((address, "data:", "blob:")) for url in page.requests)


def link_to(event: Event) -> str:
    return quote(f"{event.well}/{event.recording}/{event.start}")


def test_an_acknowledgement_survives_a_restart(scoring: Scoring, running_browser: Browser) -> None:
    event = read_events(scoring.provisioned.curated)[0]
    view = f"alarms?alarm={link_to(event)}&live=on"
    with serving(scoring.provisioned.environment) as (address, _):
        page = visit(running_browser, f"{address}/{view}")
        expect(button(page, "Acknowledge")).to_be_disabled()
        name = page.get_by_role("textbox", name="Your name")
        name.fill("Ana")
        name.press("Enter")
        expect(button(page, "Acknowledge")).to_be_enabled()
        page.get_by_role("textbox", name="Note").fill("<img src=x onerror=alert(1)> **seen**")
        button(page, "Acknowledge").click()
        page.get_by_text("Ana: acknowledged – <img src=x onerror=alert(1)> **seen**").wait_for()
        assert page.locator("img[src=x]").count() == 0
        assert "who=Ana" in page.url
        assert stays_here(page, address)
        page.close()
    [said] = Annotations(scoring.provisioned.curated).read()
    assert (said.who, said.start) == ("Ana", event.start)
    with serving(scoring.provisioned.environment) as (address, _):
        page = visit(running_browser, f"{address}/{view}")
        page.get_by_text("Ana: acknowledged").wait_for()
        expect(button(page, "Open again")).to_be_visible()
        page.close()


def test_from_an_alarm_to_the_well_at_that_time(
    scoring: Scoring, address: str, running_browser: Browser
) -> None:
    event = read_events(scoring.provisioned.curated)[0]
    page = visit(running_browser, f"{address}/alarms?alarm={link_to(event)}&live=off")
    page.get_by_role("link", name=re.compile("Show the well")).click()
    page.wait_for_url(re.compile(r"/well\?"))
    wait_until_drawn(page)
    assert f"well={WELL}" in page.url
    until = second_of(event.end) + timedelta(minutes=10)
    assert f"until={quote(f'{until:%Y-%m-%dT%H:%M}')}" in page.url
    points = [each for panel in marks(page, "symbol") for each in panel]
    shown = [each for each in points if each["fill"] == ANOMALY_COLOUR]
    assert len(shown) >= event.rows, "its points are in sight"
    page.close()


def test_a_redrive_asks_first_and_empties_the_dead_letters(
    scoring: Scoring, running_browser: Browser
) -> None:
    settings, sqs = scoring.provisioned.settings, scoring.provisioned.clients.sqs
    for body in ("{}", "no JSON"):
        sqs.send_message(QueueUrl=settings.dead_letter_queue_url, MessageBody=body)
    with serving(scoring.provisioned.environment) as (address, _):
        page = visit(running_browser, f"{address}/pipeline?live=on")
        button(page, "Look at 2 of 2").click()
        page.get_by_text("The messages themselves").click()
        page.get_by_text("no JSON", exact=True).first.wait_for()
        button(page, "Move back to the queue").click()
        page.get_by_text("Move 2 messages back to the queue?").wait_for()
        assert dead(scoring) == 2, "it has asked, and moved nothing"
        button(page, "Move 2 messages").click()
        page.get_by_text("There is none: every message").wait_for()
        assert dead(scoring) == 0
        assert stays_here(page, address)
        page.close()


def dead(scoring: Scoring) -> int:
    answer = scoring.provisioned.clients.sqs.get_queue_attributes(
        QueueUrl=scoring.provisioned.settings.dead_letter_queue_url,
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_a_query_gives_the_curated_rows_and_a_download(
    scoring: Scoring, address: str, running_browser: Browser
) -> None:
    text = "SELECT count(*) AS n, sum(anomaly_flag) AS flagged FROM scored"
    rows = scoring.curated()
    page = visit(running_browser, f"{address}/explore?query=own&sql={quote(text)}&live=off")
    button(page, "^Run$|play_arrow").first.click()
    page.get_by_text("1 row", exact=True).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    saved = pd.read_csv(Path(download.value.path()))
    assert saved.to_dict("list") == {
        "n": [len(rows)],
        "flagged": [rows["anomaly_flag"].sum()],
    }
    assert stays_here(page, address)
    page.close()


def test_accuracy_shows_what_was_found(
    scoring: Scoring, address: str, running_browser: Browser
) -> None:
    page = visit(running_browser, f"{address}/accuracy?live=off")
    expect(figure(page, "Found")).to_have_text("1 of 1")
    assert stays_here(page, address)
    page.close()
