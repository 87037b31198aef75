"""How fast the dashboard paints and refreshes, and what memory it takes, by days of thirty wells.

Run as ``python -m tests.bench.bench_dashboard [DAYS …]`` (1, 7 and 30 unless told); prints JSON,
a line for each. Pages are painted in Chromium. *Cold* is the first visit of a dashboard that
knows nothing; *warm* is a visit of another browser once everything is listed; *refresh* is from
writing a batch until it is on the page, which looks every five seconds; *restart* is the first
visit of a dashboard that was stopped and started again. Memory is what it takes at the end of all
that, and before the restart.
"""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import psutil
from playwright.sync_api import Browser, Page

from petrostream.aws.buckets import Bucket
from petrostream.local.endpoint import environment
from petrostream.schema.keys import BatchId
from petrostream.scoring.summaries import summarise
from petrostream.settings import PROJECT_ROOT, variable
from tests.bench._many_batches import BUCKET, ROWS, counts, scored
from tests.support.dashboard import serving
from tests.support.screenshot import browser

WELLS = 30
DAYS = (1, 7, 30)
TIMEOUT_MS = 600_000
MIB = 2**20


@contextmanager
def storage(days: int) -> Any:
    """An embedded AWS with so many days of thirty wells; gives its environment."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench._many_batches", str(WELLS), str(days)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
        with TemporaryDirectory() as cache:
            yield {
                **environment(endpoint),
                variable("curated_bucket"): BUCKET,
                variable("cache"): cache,
            }
        process.terminate()


def measure(days: int, chromium: Browser) -> dict[str, Any]:
    """Paint Fleet and Well over so many days, then again after a restart."""
    with storage(days) as names:
        with serving(names) as (address, process):
            first = first_start(address, process.pid, names, chromium)
        with serving(names) as (address, process):
            page, cold, listed = visited_first(chromium, address)
            page.close()
            memory = resident_mib(process.pid)
    again = {
        "fleet_restart_seconds": round(cold, 2),
        "restart_listed_seconds": round(listed, 2),
        "restart_memory_mib": memory,
    }
    return {
        "days": days,
        "wells": WELLS,
        "batches": days * 144 * WELLS,
        "readings": days * 144 * WELLS * ROWS,
        **first,
        **again,
    }


def first_start(
    address: str, process: int, names: dict[str, str], chromium: Browser
) -> dict[str, Any]:
    """What a dashboard that knows nothing takes."""
    page, cold, listed = visited_first(chromium, address)
    page.close()
    page, warm = painted(chromium, f"{address}/?time=7+d")
    refreshed = refresh(page, names)
    page.close()
    well, first = painted(chromium, f"{address}/well?well=WELL-00001&time=6+h")
    well.close()
    well, again = painted(chromium, f"{address}/well?well=WELL-00001&time=6+h")
    well.close()
    return {
        "fleet_cold_seconds": round(cold, 2),
        "all_listed_seconds": round(listed, 2),
        "fleet_warm_seconds": round(warm, 2),
        "refresh_seconds": round(refreshed, 2),
        "well_first_seconds": round(first, 2),
        "well_warm_seconds": round(again, 2),
        "memory_mib": resident_mib(process),
    }


def visited_first(chromium: Browser, address: str) -> tuple[Page, float, float]:
    """Visit Fleet; gives it, how long it took, and how long until all was listed."""
    began = time.monotonic()
    page, seconds = painted(chromium, f"{address}/?time=7+d")
    page.get_by_text("still being listed").wait_for(state="detached")
    return page, seconds, time.monotonic() - began


def resident_mib(process: int) -> int:
    """Memory that a process takes."""
    return round(psutil.Process(process).memory_info().rss / MIB)


def painted(chromium: Browser, address: str) -> tuple[Page, float]:
    """Visit a page; gives it, and how long it took until its chart was there."""
    page = chromium.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    began = time.monotonic()
    page.goto(address)
    page.locator("[data-testid=stVegaLiteChart] .marks").first.wait_for()
    return page, time.monotonic() - began


def refresh(page: Page, names: dict[str, str]) -> float:
    """Write a batch and wait until its anomalies are counted."""
    figure = page.locator("[data-testid=stMetric]").filter(
        has=page.get_by_text("Anomalies", exact=True)
    )
    before = figure.locator("[data-testid=stMetricValue]").inner_text()
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(minutes=5)
    batch = BatchId("WELL-00002", "WELL-00002_20260101000000", now)
    summary = summarise(batch, scored(batch, anomalies=77), counts(77), "0123456789ab")
    client = boto3.client(
        "s3",
        endpoint_url=names["AWS_ENDPOINT_URL"],
        region_name=names["AWS_REGION"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    began = time.monotonic()
    Bucket(BUCKET, client).put(summary.key, summary.body, "application/json")
    page.wait_for_function(
        "before => ![...document.querySelectorAll('[data-testid=stMetricValue]')]"
        ".some(each => each.innerText === before)",
        arg=before,
    )
    return time.monotonic() - began


def main(arguments: list[str]) -> int:
    """Print the measurements as JSON."""
    with browser() as chromium:
        for days in map(int, arguments or map(str, DAYS)):
            sys.stdout.write(f"{json.dumps(measure(days, chromium))}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
