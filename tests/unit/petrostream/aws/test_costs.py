"""The bill that `up` shows: it adds up, and grows with what is used."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrostream.aws import costs
from petrostream.aws.costs import OpenPage, Usage
from petrostream.aws.prices import AS_OF, PRICES, Item

usages = st.builds(
    Usage,
    wells=st.integers(0, 10_000),
    alarms=st.integers(0, 20),
    memory_gb=st.floats(0.5, 10),
    queues=st.integers(1, 3),
)


def test_everything_has_a_price_and_a_page_of_aws() -> None:
    assert set(PRICES) == set(Item)
    for price in PRICES.values():
        assert price.usd > 0 and price.per
        assert urlsplit(price.page).hostname == "aws.amazon.com"
        assert urlsplit(price.page).scheme == "https"


def test_the_table_bears_a_date_that_is_not_in_the_future() -> None:
    assert datetime.now(UTC).date() >= AS_OF


@given(usages)
def test_bills_add_up_and_work_costs_at_least_what_rest_does(usage: Usage) -> None:
    rest, work = costs.at_rest(usage), costs.at_work(usage)
    assert costs.total(work) == pytest.approx(
        sum(charge.quantity * PRICES[charge.item].usd for charge in work)
    )
    assert len({charge.item for charge in work}) == len(work)
    resting = {charge.item: charge.usd for charge in rest}
    working = {charge.item: charge.usd for charge in work}
    assert all(working[item] >= usd for item, usd in resting.items())


@given(usages, st.sampled_from(["wells", "alarms", "memory_gb", "queues"]))
def test_more_of_anything_never_costs_less(usage: Usage, field: str) -> None:
    more = replace(usage, **{field: getattr(usage, field) + 1})
    assert costs.total(costs.at_work(more)) >= costs.total(costs.at_work(usage))
    assert costs.total(costs.at_rest(more)) >= costs.total(costs.at_rest(usage))


def test_an_idle_queue_is_polled_five_times_in_twenty_seconds() -> None:
    """Whether anything comes or not: 657,000 requests in a month of 730 hours, for each queue."""
    for queues in (1, 2):
        rest = {charge.item: charge.quantity for charge in costs.at_rest(Usage(queues=queues))}
        assert rest[Item.SQS_REQUEST] == queues * 657_000


def test_a_page_that_stays_open_is_charged_by_its_refreshes() -> None:
    fleet, pipeline = (
        {charge.item: charge.quantity for charge in costs.left_open(page)} for page in OpenPage
    )
    assert fleet[Item.S3_WRITE] == pytest.approx(2.25 * 525_600)
    assert pipeline[Item.METRIC_READ] == pytest.approx(2 * 43_800), "two metrics a minute"
    assert all(pipeline[item] >= quantity for item, quantity in fleet.items())


def test_the_default_stays_below_the_default_budget() -> None:
    assert costs.total(costs.at_rest(Usage())) < 5
    assert costs.total(costs.at_work(Usage())) < 10


def test_what_is_shown_has_a_line_for_each_item_the_sums_the_date_and_the_region() -> None:
    shown = "\n".join(costs.describe(Usage(wells=42), "eu-west-1"))
    assert all(item.value in shown for item in Item)
    assert f"{costs.total(costs.at_work(Usage(wells=42))):.2f}" in shown
    assert f"{costs.total(costs.at_rest(Usage(wells=42))):.2f}" in shown
    for page in OpenPage:
        assert f"+ {page}" in shown and f"{costs.total(costs.left_open(page)):.2f}" in shown
    assert str(AS_OF) in shown and "42 wells" in shown
    assert "eu-west-1 too, differ" in shown
    assert "differ" not in "\n".join(costs.describe(Usage(), "us-east-1"))
