"""Pipeline: what waits, what died, what was set aside, the model, the pace and the bill."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard.shell import page_frame
from dashboard.shell.readers import part, reason
from dashboard.ui.metric_tile import show_tile
from dashboard.ui.timezones import local
from dashboard.ui.wording import ago
from dashboard.views.pipeline.asked_lately import asked_lately
from dashboard.views.pipeline.dead_letter_section import show_dead_letters
from dashboard.views.pipeline.dead_letters import Depths, Queues
from dashboard.views.pipeline.month_costs import show_costs
from dashboard.views.pipeline.table import SECOND, show_table
from dashboard.views.pipeline.throughput import (
    MOST_QUARANTINED,
    RECENT,
    Handled,
    Pace,
    Quarantine,
    Recent,
    SetAside,
    pace,
)
from petrostream.aws.buckets import Bucket
from petrostream.durations import age, duration
from petrostream.errors import PetroStreamError
from petrostream.registry.models import ModelRegistry, Move
from petrostream.settings import Settings

_NONE: Final = "–"
_COUNTING: Final = "`sqs:GetQueueAttributes` on the queues"


def render() -> None:
    """Draw the page."""
    page_frame.show("Pipeline", _draw)


def _draw(view: page_frame.View) -> None:
    settings = Settings.load("curated_bucket")
    queues = Queues(settings)
    depths = part("The queues' depth", _COUNTING, queues.depths)
    moves = part(
        "The model's history",
        "`ssm:GetParameterHistory` on the model's parameter",
        lambda: _registry(settings).moves(),
    )
    worked = pace(view.snapshot)
    _show_tiles(queues, depths, moves, worked)
    if depths is not None:
        show_dead_letters(queues, depths.dead, view.zone)
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
        show_costs(view.snapshot, recent or [], worked)


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
    depths: Depths | None,
    moves: Sequence[Move] | None,
    worked: Pace | None,
) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    work, dead = (depths.work, depths.dead) if depths else (None, None)
    with st.container(horizontal=True, gap="small"):
        show_tile("Waiting", f"{work.waiting:,}" if work else _NONE, _who_waits(depths))
        show_tile("In flight", f"{work.in_flight:,}" if work else _NONE, "being worked on")
        show_tile("Oldest message", *_oldest(queues, depths))
        show_tile("Dead letters", f"{dead.total:,}" if dead else _NONE, "gave up after all tries")
        show_tile(
            "Rows a second",
            f"{worked.rows_a_second:,.0f}" if worked else _NONE,
            f"while at work, {ago(worked.ended, now)}" if worked else "nothing scored yet",
            "Rows of the last stretch of work, ten minutes at most, by the time between the first "
            "and the last scored object of it.",
        )
        current = moves[-1] if moves else None
        show_tile(
            "Model",
            current.pointer.version[:8] if current else _NONE,
            f"current for {age(now - current.when)}" if current else "none is published",
        )


def _who_waits(depths: Depths | None) -> str:
    if depths is None or not depths.alone.total:
        return "messages in the queue"
    return f"messages; {depths.alone.total:,} failed once and are tried alone"


def _oldest(queues: Queues, depths: Depths | None) -> tuple[str, str]:
    if depths is not None and not depths.work.total:
        return duration(0), "the queue is empty"
    try:
        seconds = asked_lately("oldest message", lambda: queues.oldest_seconds(depths))
    except PetroStreamError as error:
        return _NONE, reason(error, "`cloudwatch:GetMetricData`").replace("`", "")
    if seconds is None:
        return _NONE, "CloudWatch has not measured it"
    return duration(seconds), "by CloudWatch, a minute ago"


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
    show_table(
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
            "Scored": st.column_config.DatetimeColumn(f"Scored ({zone.key})", format=SECOND),
            "Readings from": st.column_config.DatetimeColumn(format=SECOND),
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
    show_table(
        {
            "When": [local(each.when, zone) for each in aside],
            "Why": [each.reason for each in aside],
            "Object": [each.key for each in aside],
        },
        {
            "When": st.column_config.DatetimeColumn(f"When ({zone.key})", format=SECOND),
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
        st.caption("No model has been published: `petrostream train DATA` does it.")
        return
    newest = list(reversed(moves))
    show_table(
        {
            "Current from": [local(each.when, zone) for each in newest],
            "Version": [each.pointer.version for each in newest],
        },
        {
            "Current from": st.column_config.DatetimeColumn(
                f"Current from ({zone.key})", format=SECOND
            )
        },
        "Models and when they became the current one",
    )
