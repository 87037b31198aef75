"""What a month of this pipeline would cost on AWS."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard.curated.snapshot import Snapshot
from dashboard.ui.metric_tile import show_tile
from dashboard.views.pipeline.asked_lately import asked_lately
from dashboard.views.pipeline.dead_letters import newest_metric
from dashboard.views.pipeline.table import show_table
from dashboard.views.pipeline.throughput import Handled, Pace, usage
from petrostream.aws import costs
from petrostream.aws.cloudwatch import Metric
from petrostream.aws.costs import OpenPage
from petrostream.aws.prices import AS_OF, PRICES, REGION, Price
from petrostream.errors import PetroStreamError

_LEAST_USD: Final = 0.01
_TIME_OF_A_BATCH: Final = Metric("PetroStream", "Milliseconds", {"service": "scoring"}, "Average")


def show_costs(snapshot: Snapshot, recent: Sequence[Handled], worked: Pace | None) -> None:
    """Draw the bill, at the pace of these wells and at rest."""
    st.subheader("A month on AWS", anchor=False)
    seconds, source = _seconds_a_batch(worked)
    measured = usage(snapshot, recent, seconds)
    rest = {charge.item: charge.usd for charge in costs.at_rest(measured)}
    bill = sorted(costs.at_work(measured), key=lambda charge: -charge.usd)
    with st.container(horizontal=True, gap="small"):
        show_tile("With these wells", f"{costs.total(bill):,.2f} USD", f"{measured.wells} wells")
        show_tile("At rest", f"{sum(rest.values()):,.2f} USD", "while nothing is sent")
        opened = costs.total(costs.left_open(OpenPage.PIPELINE))
        show_tile("This page", f"{opened:,.2f} USD", "more, if left open all month")
    show_table(
        {
            "For": [charge.item.value for charge in bill],
            "USD": [charge.usd for charge in bill],
            "At rest": [rest.get(charge.item, 0.0) for charge in bill],
            "Price": [_price(PRICES[charge.item]) for charge in bill],
        },
        {
            "USD": st.column_config.NumberColumn(format="%.2f"),
            "At rest": st.column_config.NumberColumn(format="%.2f"),
        },
        "What a month costs",
    )
    st.caption(
        f"Measured: {measured.wells} wells, {measured.batches_an_hour:.1f} batches an hour and "
        f"well, {measured.kb_a_batch:.0f} KB kept of a batch, {measured.seconds_a_batch:.2f} s for "
        f"one ({source}). List prices of {REGION} as of {AS_OF}, in USD, without the free tier, "
        "taxes and queries. An open page asks every few seconds: Fleet, left open all month, comes "
        f"to {costs.total(costs.left_open(OpenPage.FLEET)):,.2f} USD."
    )


def _price(price: Price) -> str:
    """A unit's price; of what costs next to nothing, that of a million.

    >>> _price(Price(0.0000004, "request", ""))
    '0.4 per million requests'
    """
    if price.usd < _LEAST_USD:
        return f"{price.usd * 1e6:.4g} per million {price.per}s"
    return f"{price.usd:.4g} per {price.per}"


def _seconds_a_batch(worked: Pace | None) -> tuple[float | None, str]:
    """The function's own time where CloudWatch has it, else what the pace comes to."""
    try:
        milliseconds = asked_lately("time of a batch", lambda: newest_metric(_TIME_OF_A_BATCH))
    except PetroStreamError:
        milliseconds = None
    if milliseconds is not None:
        return milliseconds / 1000, "the function's own time"
    if worked is None:
        return None, "taken for granted"
    return worked.seconds_a_batch, "of the clock on the wall, while at work"
