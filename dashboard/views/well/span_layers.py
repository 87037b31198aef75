"""Stretches of time behind and below the readings: alarms, what is not scored, 3W labels."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import altair as alt
import numpy as np
import pandas as pd

from dashboard.alarms.alarm import Alarm
from dashboard.ui.chart_axes import ANOMALY_COLOUR, END, START, TIME, time_axis
from dashboard.ui.timezones import for_chart
from petrostream.detection.detector import Status
from petrostream.schema.columns import CLASS, STATUS, TIMESTAMP
from petrostream.schema.labels import NORMAL, describe

_SHADE_COLOUR: Final = "#868e96"
_LABEL: Final = "label"
_UNLABELLED: Final = -1
_LABEL_COLOURS: Final = {"normal": "#8fb3d9", "transient": "#f2c14e"}
_FAULT_COLOUR: Final = "#7048a8"


def alarm_spans(alarms: Sequence[Alarm], times: pd.Series, zone: ZoneInfo) -> pd.DataFrame:
    """One row per alarm: from when to when within the shown times, and what it is."""
    if not alarms:
        return pd.DataFrame()
    starts, ends = (
        pd.Series([getattr(each, name) for each in alarms], dtype="datetime64[us]")
        for name in ("start", "end")
    )
    words = [
        f"{each.severity} alarm, highest score {each.event.peak_score:.2f}, "
        f"driven by {', '.join(each.event.drivers)}"
        for each in alarms
    ]
    return pd.DataFrame(
        {
            "start": for_chart(starts.clip(lower=times.iloc[0]), zone),
            "end": for_chart(ends.clip(upper=times.iloc[-1]), zone),
            "alarm": words,
        }
    )


def alarm_layer(alarms: pd.DataFrame) -> list[alt.Chart]:
    """Draw what `alarm_spans` gives, in pale red; nothing where there is none."""
    if alarms.empty:
        return []
    spans = (
        alt.Chart(alarms)
        .mark_rect(color=ANOMALY_COLOUR, opacity=0.13, clip=True)
        .encode(x=f"{START}:T", x2=f"{END}:T", tooltip=[alt.Tooltip("alarm:N")])
    )
    return [spans]


def unscored_spans(rows: pd.DataFrame) -> pd.DataFrame:
    """Stretches whose rows have no score, and why: commissioning or unscorable."""
    status = rows[STATUS].to_numpy()
    changes = np.flatnonzero(status[1:] != status[:-1]) + 1
    starts = np.concatenate([[0], changes]).astype(int) if len(rows) else changes
    ends = np.concatenate([changes, [len(rows)]]).astype(int) - 1 if len(rows) else changes
    times = rows[TIMESTAMP].dt.tz_localize("UTC")
    spans = pd.DataFrame(
        {
            START: times.iloc[starts].to_numpy(),
            END: times.iloc[ends].to_numpy(),
            STATUS: status[starts],
        }
    )
    return spans[spans[STATUS] != Status.SCORED].reset_index(drop=True)


def unscored_layer(unscored: pd.DataFrame) -> list[alt.Chart]:
    """Draw what `unscored_spans` gives, in grey; nothing where there is none."""
    if unscored.empty:
        return []
    shade = (
        alt.Chart(unscored)
        .mark_rect(color=_SHADE_COLOUR, opacity=0.16)
        .encode(
            x=f"{START}:T",
            x2=f"{END}:T",
            tooltip=[alt.Tooltip(f"{STATUS}:N", title="not scored")],
        )
    )
    return [shade]


def label_spans(rows: pd.DataFrame) -> pd.DataFrame:
    """Stretches of one 3W label, in words; those that nobody labelled are left out."""
    if CLASS not in rows or not rows[CLASS].notna().any():
        return pd.DataFrame({START: [], END: [], _LABEL: []})
    labels = rows[CLASS].fillna(_UNLABELLED).to_numpy(dtype=int)
    changes = np.flatnonzero(np.diff(labels)) + 1
    starts = np.concatenate([[0], changes]).astype(int)
    ends = np.concatenate([changes, [len(rows)]]).astype(int) - 1
    times = rows[TIMESTAMP].dt.tz_localize("UTC")
    known = labels[starts] != _UNLABELLED
    return pd.DataFrame(
        {
            START: times.iloc[starts[known]].to_numpy(),
            END: times.iloc[ends[known]].to_numpy(),
            _LABEL: [describe(int(label)) for label in labels[starts[known]]],
        }
    )


def label_layer(labels: pd.DataFrame) -> alt.Chart:
    """Draw labels as bars, each in its colour."""
    names = list(dict.fromkeys(labels[_LABEL]))
    spans: alt.Chart = (
        alt.Chart(labels.rename(columns={START: TIME}), name=_LABEL)
        .mark_bar(height=16, clip=True)
        .encode(
            x=time_axis(),
            x2=f"{END}:T",
            color=alt.Color(
                f"{_LABEL}:N",
                title=None,
                scale=alt.Scale(domain=names, range=[_label_colour(name) for name in names]),
                legend=alt.Legend(orient="bottom", labelLimit=320),
            ),
            tooltip=[alt.Tooltip(f"{_LABEL}:N")],
        )
    )
    return spans


def _label_colour(name: str) -> str:
    kind = "normal" if name == describe(NORMAL) else name.split(maxsplit=1)[0]
    return _LABEL_COLOURS.get(kind, _FAULT_COLOUR)
