"""What the platform costs a month, at rest, at work and looked at, from the table of prices.

How often a batch and an open page call AWS is counted: `tests/integration/test_costs_counted.py`
runs them, and fails where the figures here are others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from petrostream.aws.prices import AS_OF, FREE_OF_CHARGE, FREE_TIER, PRICES, REGION, Item

HOURS_A_MONTH: Final = 730
BATCHES_AN_HOUR: Final = 6
WELLS: Final = 10

_IMAGE_GB: Final = 0.3
_POLLERS: Final = 5
_POLL_SECONDS: Final = 20
"""Lambda keeps five long polls on each queue open, even where nothing comes."""

METRICS: Final = 9
LOG_KB_A_BATCH: Final = 3
WRITES_A_BATCH: Final = 3
"""The raw object, its summary, its scored rows."""

WRITES_AN_ALARM: Final = 3
"""The events of a batch in which an alarm begins, and its alert: claimed, then marked as sent."""

ALARMS_A_BATCH: Final = 0.05
READS_A_BATCH: Final = 5
"""The raw object, whether its well was recommissioned, whether there are events to withdraw or
something set aside, and whether the raw object is still that one."""

SQS_REQUESTS_A_BATCH: Final = 3
"""Announced by S3, received, deleted; on top of the polls that find nothing."""

REFRESH_SECONDS: Final = 5
LISTINGS_A_REFRESH: Final = 2.25
"""The ends of the newest date and of one other; each quarter of a minute the dates, each minute
one date as a whole."""

LOOKS_A_REFRESH: Final = 0.25
_KB_A_GB: Final = 1024**2

Quantities = dict[Item, float]


class OpenPage(StrEnum):
    """A page of the dashboard: one that reads summaries alone, and the one that asks most."""

    FLEET = "Fleet"
    PIPELINE = "Pipeline"


OF_PIPELINE: Final[Quantities] = {
    Item.S3_WRITE: 1,
    Item.SQS_REQUEST: 3,
    Item.METRIC_READ: 2 * REFRESH_SECONDS / 60,
}
"""What Pipeline asks for at each refresh, too: quarantine, three queues; two metrics a minute."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How the platform is set up and used; by default each well sends a batch every ten minutes.

    `seconds_a_batch` is the function's time for a batch, `kb_a_batch` what is kept of it, `queues`
    those that Lambda polls.
    """

    wells: int = WELLS
    alarms: int = 8
    memory_gb: float = 1.0
    batches_an_hour: float = BATCHES_AN_HOUR
    seconds_a_batch: float = 0.5
    kb_a_batch: float = 100
    queues: int = 2


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the bill."""

    item: Item
    quantity: float

    @property
    def usd(self) -> float:
        """What it comes to in a month."""
        return self.quantity * PRICES[self.item].usd


def at_rest(usage: Usage) -> list[Charge]:
    """The bill of a month in which nothing is sent."""
    polls = usage.queues * _POLLERS * HOURS_A_MONTH * 3600 / _POLL_SECONDS
    return _charges(
        {
            Item.DASHBOARD: 1,
            Item.ALARM: usage.alarms,
            Item.SQS_REQUEST: polls,
            Item.ECR_STORAGE: _IMAGE_GB,
        }
    )


def at_work(usage: Usage) -> list[Charge]:
    """The bill of a month with every well sending; the first month, while little is stored."""
    batches = usage.wells * usage.batches_an_hour * HOURS_A_MONTH
    quantities = {charge.item: charge.quantity for charge in at_rest(usage)}
    quantities[Item.SQS_REQUEST] += batches * SQS_REQUESTS_A_BATCH
    return _charges(
        quantities
        | {
            Item.METRIC: METRICS,
            Item.LAMBDA_REQUEST: batches,
            Item.LAMBDA_GB_SECOND: batches * usage.seconds_a_batch * usage.memory_gb,
            Item.TRACE: batches,
            Item.LOG_INGESTION: batches * LOG_KB_A_BATCH / _KB_A_GB,
            Item.LOG_STORAGE: batches * LOG_KB_A_BATCH / _KB_A_GB,
            Item.S3_WRITE: batches * (WRITES_A_BATCH + ALARMS_A_BATCH * WRITES_AN_ALARM),
            Item.S3_READ: batches * READS_A_BATCH,
            Item.S3_STORAGE: batches * usage.kb_a_batch / _KB_A_GB,
        }
    )


def left_open(page: OpenPage) -> list[Charge]:
    """What it adds in a month if a page stays open all the time, and refreshes itself."""
    refreshes = HOURS_A_MONTH * 3600 / REFRESH_SECONDS
    each: Quantities = {Item.S3_WRITE: LISTINGS_A_REFRESH, Item.S3_READ: LOOKS_A_REFRESH}
    if page is OpenPage.PIPELINE:
        each |= {item: each.get(item, 0) + more for item, more in OF_PIPELINE.items()}
    return _charges({item: quantity * refreshes for item, quantity in each.items()})


def total(charges: list[Charge]) -> float:
    """The sum of a bill in USD."""
    return sum(charge.usd for charge in charges)


def describe(usage: Usage, region: str) -> Iterator[str]:
    """The bills, line by line, with what they take for granted."""
    bills = [at_rest(usage), at_work(usage), *map(left_open, OpenPage)]
    heads = ["at rest", f"{usage.wells} wells", *(f"+ {page}" for page in OpenPage)]
    yield f"{'a month costs, in USD':<36}{_columns(heads)}"
    for item in sorted(Item, key=lambda item: -max(_of(item, bill) for bill in bills)):
        yield f"  {item.value:<34}{_columns(f'{_of(item, bill):.2f}' for bill in bills)}"
    yield f"  {'together':<34}{_columns(f'{total(bill):.2f}' for bill in bills)}"
    yield (
        f"+ {OpenPage.FLEET}, + {OpenPage.PIPELINE}: on top of it, where that page is left open "
        f"all month; it looks every {REFRESH_SECONDS} s unless it is told not to"
    )
    elsewhere = "" if region == REGION else f"; other regions, {region} too, differ"
    yield (
        f"list prices of {REGION} as of {AS_OF}{elsewhere}; free tier not counted ({FREE_TIER}); "
        "without taxes, queries and data that leave AWS"
    )
    yield (
        f"taken for granted: a batch per well every ten minutes, {usage.seconds_a_batch:g} s and "
        f"{usage.memory_gb:g} GB for it, {usage.kb_a_batch:g} KB kept of it, an alarm in one of "
        f"{1 / ALARMS_A_BATCH:.0f}, {usage.queues} queues that Lambda polls. "
        f"Free: {FREE_OF_CHARGE}"
    )


def _of(item: Item, bill: list[Charge]) -> float:
    return sum(charge.usd for charge in bill if charge.item is item)


def _columns(texts: Iterable[str]) -> str:
    return "".join(f"{text:>11}" for text in texts)


def _charges(quantities: Quantities) -> list[Charge]:
    return [Charge(item, quantity) for item, quantity in quantities.items()]
