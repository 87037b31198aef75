"""Pipeline: what waits, what died, what was set aside, the model, the pace and the bill."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.curated.snapshot import Snapshot
from dashboard.shell import page_frame
from dashboard.shell.readers import part, reason
from dashboard.ui.metric_tile import show_figure
from dashboard.ui.timezones import local
from dashboard.ui.wording import ago
from dashboard.views.pipeline.dead_letters import PEEKED, Letter, Queues, newest_metric
from dashboard.views.pipeline.throughput import (
    MOST_QUARANTINED,
    RECENT,
    Handled,
    Pace,
    Quarantine,
    Recent,
    SetAside,
    pace,
    usage,
)
from petrostream.aws import costs
from petrostream.aws.buckets import Bucket
from petrostream.aws.cloudwatch import Metric
from petrostream.aws.prices import AS_OF, PRICES, REGION, Price
from petrostream.aws.queues import QueueDepth
from petrostream.errors import PetroStreamError
from petrostream.registry.models import ModelRegistry, Move
from petrostream.settings import Settings

_LETTERS: Final = "dead letters of this page"
_ASKING: Final = "redrive is being asked for"
_MOVED: Final = "redrive of this page"
_FAULT: Final = "fault of the dead letters"
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"
_NONE: Final = "–"
_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 6
_LEAST_USD: Final = 0.01
_COUNTING: Final = "`sqs:GetQueueAttributes` on both queues"
_PEEKING: Final = "`sqs:ReceiveMessage` on the dead-letter queue, and `s3:GetObject` on batches"
_MOVING: Final = (
    "`sqs:StartMessageMoveTask`, `sqs:ReceiveMessage` and `sqs:DeleteMessage` on the dead-letter "
    "queue, `sqs:SendMessage` on the other (the policy `operator`)"
)


def render() -> None:
    """Draw the page."""
    page_frame.show("Pipeline", _draw)


def _draw(view: page_frame.View) -> None:
    settings = Settings.load("curated_bucket")
    queues = Queues(settings)
    depths = part("The queues' depth", _COUNTING, lambda: (queues.depth(), queues.dead()))
    moves = part(
        "The model's history",
        "`ssm:GetParameterHistory` on the model's parameter",
        lambda: _registry(settings).moves(),
    )
    worked = pace(view.snapshot)
    _show_tiles(queues, depths, moves, worked)
    if depths is not None:
        _show_dead_letters(queues, depths[1], view.zone)
    recent = part(
        "The last batches' times",
        "`s3:GetObject` on `readings/*` in the raw and `scored/*` in the curated bucket",
        lambda: _recent(settings).read(view.snapshot),
    )
    if recent:
        _show_recent(recent, view.zone)
    left, right = st.columns(2, gap="large")
    with left:
        _show_quarantine(settings, view.zone)
        _show_model(moves, view.zone)
    with right:
        _show_costs(view.snapshot, recent or [], worked)


def _registry(settings: Settings) -> ModelRegistry:
    return ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)


@st.cache_resource(show_spinner=False, max_entries=2)
def _recent(settings: Settings) -> Recent:
    return Recent(Bucket(settings.raw_bucket), Bucket(settings.curated_bucket))


@st.cache_resource(show_spinner=False, max_entries=2)
def _quarantine(curated_bucket: str) -> Quarantine:
    return Quarantine(Bucket(curated_bucket))


def _show_tiles(
    queues: Queues,
    depths: tuple[QueueDepth, QueueDepth] | None,
    moves: Sequence[Move] | None,
    worked: Pace | None,
) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    queue, dead = depths or (None, None)
    with st.container(horizontal=True, gap="small"):
        show_figure("Waiting", f"{queue.waiting:,}" if queue else _NONE, "messages in the queue")
        show_figure("In flight", f"{queue.in_flight:,}" if queue else _NONE, "being worked on")
        show_figure("Oldest message", *_oldest(queues, queue))
        show_figure("Dead letters", f"{dead.total:,}" if dead else _NONE, "gave up after all tries")
        show_figure(
            "Rows a second",
            f"{worked.rows_a_second:,.0f}" if worked else _NONE,
            f"while at work, {ago(worked.ended, now)}" if worked else "nothing scored yet",
            "Rows of the last stretch of work, ten minutes at most, by the time between the first "
            "and the last scored object of it.",
        )
        current = moves[-1] if moves else None
        show_figure(
            "Model",
            current.pointer.version[:8] if current else _NONE,
            f"current for {ago(current.when, now).removesuffix(' ago')}"
            if current
            else "none is published",
        )


def _oldest(queues: Queues, queue: QueueDepth | None) -> tuple[str, str]:
    if queue is not None and not queue.total:
        return "0 s", "the queue is empty"
    try:
        seconds = queues.oldest_seconds()
    except PetroStreamError as error:
        return _NONE, reason(error, "`cloudwatch:GetMetricData`").replace("`", "")
    if seconds is None:
        return _NONE, "CloudWatch has not measured it"
    return f"{seconds:,.0f} s", "by CloudWatch, a minute ago"


def _show_dead_letters(queues: Queues, dead: QueueDepth, zone: ZoneInfo) -> None:
    st.subheader("Dead letters", anchor=False)
    _show_outcome()
    if not dead.total:
        st.session_state.pop(_LETTERS, None)
        st.session_state.pop(_ASKING, None)
        st.caption("There is none: every message was worked on within its tries.")
        return
    with st.container(horizontal=True, gap="small"):
        st.button(
            f"Look at {min(dead.total, PEEKED)} of {dead.total:,}",
            icon=":material/visibility:",
            on_click=_peek,
            args=(queues,),
            help="They can be received by others at once; each look counts as a receipt.",
        )
        st.button(
            "Move back to the queue …",
            icon=":material/replay:",
            on_click=_ask,
            disabled=bool(st.session_state.get(_ASKING)),
        )
    if st.session_state.get(_ASKING):
        _ask_first(queues, dead)
    letters: list[Letter] | None = st.session_state.get(_LETTERS)
    if letters is not None:
        _show_letters(letters, zone)


def _peek(queues: Queues) -> None:
    try:
        st.session_state[_LETTERS] = queues.peek()
    except PetroStreamError as error:
        st.session_state[_FAULT] = f"**They can't be looked at.** {reason(error, _PEEKING)}"


def _ask() -> None:
    st.session_state[_ASKING] = True


def _ask_first(queues: Queues, dead: QueueDepth) -> None:
    with st.container(border=True):
        st.markdown(
            f"**Move {_messages(dead.total)} back to the queue?** Each is tried again, as often as "
            "a new one; what still fails comes back here. Mend the cause first."
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                f"Move {_messages(dead.total)}", type="primary", on_click=_redrive, args=(queues,)
            )
            st.button("Leave them", on_click=lambda: st.session_state.pop(_ASKING, None))


def _messages(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"


def _redrive(queues: Queues) -> None:
    st.session_state.pop(_ASKING, None)
    st.session_state.pop(_LETTERS, None)
    try:
        queues.redrive()
    except PetroStreamError as error:
        st.session_state[_FAULT] = f"**They could not be moved.** {reason(error, _MOVING)}"
    else:
        st.session_state[_MOVED] = "The messages are on their way back to the queue."


def _show_outcome() -> None:
    if fault := st.session_state.pop(_FAULT, None):
        st.error(fault, icon=":material/error:")
    if moved := st.session_state.pop(_MOVED, None):
        st.toast(moved, icon=":material/replay:")


def _show_letters(letters: Sequence[Letter], zone: ZoneInfo) -> None:
    if not letters:
        st.caption("None could be received just now: somebody else may have them in hand.")
        return
    _table(
        {
            "Sent": [local(each.sent, zone) for each in letters],
            "Received": [each.received for each in letters],
            "Object": [", ".join(each.keys) for each in letters],
            "Why": [each.why or "only the function's log says why" for each in letters],
        },
        {
            "Sent": st.column_config.DatetimeColumn(f"Sent ({zone.key})", format=_SECOND),
            "Received": st.column_config.NumberColumn(
                help="How often it was received, looks from here included", width="small"
            ),
            "Object": st.column_config.TextColumn(width="large"),
            "Why": st.column_config.TextColumn(width="large"),
        },
        "Dead letters",
    )
    with st.expander("The messages themselves"):
        for each in letters:
            st.caption(f"`{each.message_id}`")
            st.code(each.body, language="json", wrap_lines=True)


def _table(columns: dict[str, object], config: dict[str, ColumnConfig], name: str) -> None:
    table = pd.DataFrame(columns)
    st.dataframe(
        table,
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(table), _TABLE_ROWS) + 1) + 3,
        row_height=_ROW_HEIGHT,
        column_config=config,
        alt=name,
    )


def _show_recent(recent: Sequence[Handled], zone: ZoneInfo) -> None:
    st.subheader("Last batches", anchor=False)
    known = [each.seconds for each in recent if each.seconds is not None]
    if known:
        st.caption(
            f"From arrival to scored, of the last {min(len(known), RECENT)}: "
            f"{pd.Series(known).median():.0f} s in the median, {max(known):.0f} s at most; time in "
            "the queue is part of it."
        )
    scored = [each.scored for each in recent]
    _table(
        {
            "Scored": [local(each.modified, zone) for each in scored],
            "Well": [each.batch.well for each in scored],
            "Readings from": [local(each.first, zone) for each in scored],
            "Rows": [each.counts.rows for each in scored],
            "Anomalies": [each.counts.anomalies for each in scored],
            "Took": [each.seconds for each in recent],
            "Size": [each.curated.size / 1024 if each.curated else None for each in recent],
        },
        {
            "Scored": st.column_config.DatetimeColumn(f"Scored ({zone.key})", format=_SECOND),
            "Readings from": st.column_config.DatetimeColumn(format=_SECOND),
            "Rows": st.column_config.NumberColumn(format="localized"),
            "Anomalies": st.column_config.NumberColumn(format="localized"),
            "Took": st.column_config.NumberColumn(
                "Arrival to scored (s)", format="%.0f", help="S3 tells times to the second"
            ),
            "Size": st.column_config.NumberColumn("Kept (KB)", format="%.0f"),
        },
        "The batches that were scored last",
    )


def _show_quarantine(settings: Settings, zone: ZoneInfo) -> None:
    st.subheader("Quarantine", anchor=False)
    found = part(
        "What was set aside",
        "`s3:GetObject` on `quarantine/*` in the curated bucket",
        lambda: _quarantine(settings.curated_bucket).read(),
    )
    if found is None:
        return
    aside, number = found
    if not aside:
        st.caption("Nothing was set aside: every object kept to the contract.")
        return
    newest = f", the newest {MOST_QUARANTINED} below" if number > len(aside) else ""
    objects = "1 object" if number == 1 else f"{number:,} objects"
    st.caption(f"Set aside, for breaking the contract: {objects}{newest}.")
    _show_aside(aside, zone)


def _show_aside(aside: Sequence[SetAside], zone: ZoneInfo) -> None:
    _table(
        {
            "When": [local(each.when, zone) for each in aside],
            "Why": [each.reason for each in aside],
            "Object": [each.key for each in aside],
        },
        {
            "When": st.column_config.DatetimeColumn(f"When ({zone.key})", format=_SECOND),
            "Why": st.column_config.TextColumn(width="large"),
            "Object": st.column_config.TextColumn(width="large"),
        },
        "What was set aside, and why",
    )


def _show_model(moves: Sequence[Move] | None, zone: ZoneInfo) -> None:
    if moves is None:
        return
    st.subheader("Model", anchor=False)
    if not moves:
        st.caption("No model has been published: `make train DATA=<folder>` does it.")
        return
    newest = list(reversed(moves))
    _table(
        {
            "Current from": [local(each.when, zone) for each in newest],
            "Version": [each.pointer.version for each in newest],
        },
        {
            "Current from": st.column_config.DatetimeColumn(
                f"Current from ({zone.key})", format=_SECOND
            )
        },
        "Models and when they became the current one",
    )


def _show_costs(snapshot: Snapshot, recent: Sequence[Handled], worked: Pace | None) -> None:
    st.subheader("A month on AWS", anchor=False)
    seconds, source = _seconds_a_batch(worked)
    measured = usage(snapshot, recent, seconds)
    rest = {charge.item: charge.usd for charge in costs.at_rest(measured)}
    bill = sorted(costs.at_work(measured), key=lambda charge: -charge.usd)
    with st.container(horizontal=True, gap="small"):
        show_figure("With these wells", f"{costs.total(bill):,.2f} USD", f"{measured.wells} wells")
        show_figure("At rest", f"{sum(rest.values()):,.2f} USD", "while nothing is sent")
    _table(
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
        "taxes and queries."
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
        milliseconds = newest_metric(
            Metric("PetroStream", "Milliseconds", {"service": "scoring"}, "Average")
        )
    except PetroStreamError:
        milliseconds = None
    if milliseconds is not None:
        return milliseconds / 1000, "the function's own time"
    if worked is None:
        return None, "taken for granted"
    return worked.seconds_a_batch, "of the clock on the wall, while at work"
