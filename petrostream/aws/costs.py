"""What the platform costs a month, at rest and at work, from the table of prices."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from petrostream.aws.prices import AS_OF, FREE_OF_CHARGE, FREE_TIER, PRICES, REGION, Item

HOURS_A_MONTH: Final = 730
BATCHES_AN_HOUR: Final = 6
WELLS: Final = 10

_IMAGE_GB: Final = 0.3
_POLLERS: Final = 5
_POLL_SECONDS: Final = 20
_QUEUES: Final = 2
"""Lambda keeps five long polls on each queue open, even where nothing comes."""

_METRICS: Final = 8
_LOG_KB_A_BATCH: Final = 3
_WRITES_A_BATCH: Final = 2.2
_READS_A_BATCH: Final = 2
_SQS_REQUESTS_A_BATCH: Final = 3
_KB_A_GB: Final = 1024**2

Quantities = dict[Item, float]


@dataclass(frozen=True, slots=True)
class Usage:
    """How the platform is set up and used; by default each well sends a batch every ten minutes.

    `seconds_a_batch` is the function's time for a batch, `kb_a_batch` what is kept of it.
    """

    wells: int = WELLS
    alarms: int = 8
    memory_gb: float = 1.0
    batches_an_hour: float = BATCHES_AN_HOUR
    seconds_a_batch: float = 0.5
    kb_a_batch: float = 100


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
    polls = _QUEUES * _POLLERS * HOURS_A_MONTH * 3600 / _POLL_SECONDS
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
    quantities[Item.SQS_REQUEST] += batches * _SQS_REQUESTS_A_BATCH
    return _charges(
        quantities
        | {
            Item.METRIC: _METRICS,
            Item.LAMBDA_REQUEST: batches,
            Item.LAMBDA_GB_SECOND: batches * usage.seconds_a_batch * usage.memory_gb,
            Item.TRACE: batches,
            Item.LOG_INGESTION: batches * _LOG_KB_A_BATCH / _KB_A_GB,
            Item.LOG_STORAGE: batches * _LOG_KB_A_BATCH / _KB_A_GB,
            Item.S3_WRITE: batches * _WRITES_A_BATCH,
            Item.S3_READ: batches * _READS_A_BATCH,
            Item.S3_STORAGE: batches * usage.kb_a_batch / _KB_A_GB,
        }
    )


def total(charges: list[Charge]) -> float:
    """The sum of a bill in USD."""
    return sum(charge.usd for charge in charges)


def describe(usage: Usage, region: str) -> Iterator[str]:
    """Both bills, line by line, with what they take for granted."""
    rest, work = at_rest(usage), at_work(usage)
    resting = {charge.item: charge.usd for charge in rest}
    yield f"{'a month costs, in USD':<36}{'at rest':>9}{f'{usage.wells} wells':>11}"
    for charge in sorted(work, key=lambda charge: -charge.usd):
        yield f"  {charge.item.value:<34}{resting.get(charge.item, 0):>9.2f}{charge.usd:>11.2f}"
    yield f"  {'together':<34}{total(rest):>9.2f}{total(work):>11.2f}"
    elsewhere = "" if region == REGION else f"; other regions, {region} too, differ"
    yield (
        f"list prices of {REGION} as of {AS_OF}{elsewhere}; free tier not counted ({FREE_TIER}); "
        "without taxes, queries and data that leave AWS"
    )
    yield (
        f"taken for granted: a batch per well every ten minutes, {usage.seconds_a_batch:g} s and "
        f"{usage.memory_gb:g} GB for it, {usage.kb_a_batch:g} KB kept of it. Free: {FREE_OF_CHARGE}"
    )


def _charges(quantities: Quantities) -> list[Charge]:
    return [Charge(item, quantity) for item, quantity in quantities.items()]
