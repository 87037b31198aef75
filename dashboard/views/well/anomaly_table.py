"""The flagged rows of the chosen time, as a table and as CSV."""

from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard.curated.bucket import Rows
from dashboard.ui.timezones import local_series
from dashboard.ui.units import labelled, scale_of, spelled_out
from petrostream.schema.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    RECORDING,
    TIMESTAMP,
    TOP_SENSOR,
    WELL,
)

_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 8
_SECOND: Final = "YYYY-MM-DD HH:mm:ss"


def show_anomalies(well: str, rows: Rows, zone: ZoneInfo) -> None:
    """Draw the table, and the button that downloads it."""
    anomalies = anomalies_table(well, rows)
    if anomalies.empty:
        st.info("No reading was flagged in this time.", icon=":material/check_circle:")
        return
    st.download_button(
        f"Download {len(anomalies):,} rows as CSV",
        partial(anomalies_csv, anomalies),
        file_name=f"anomalies-{well}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="As stored: pressures in Pa, temperatures in °C, flows in m³/s, times in UTC.",
    )
    columns: dict[str, Any] = {
        TIMESTAMP: st.column_config.DatetimeColumn(f"Time ({zone})", format=_SECOND),
        WELL: "Well",
        RECORDING: "Recording",
        ANOMALY_SCORE: st.column_config.NumberColumn("Score", format="%.3f"),
        TOP_SENSOR: "Top sensor",
    }
    for name in rows.sensors:
        columns[name] = st.column_config.NumberColumn(
            labelled(name), help=spelled_out(name), format="%.4f"
        )
    st.dataframe(
        anomalies.assign(
            **{TIMESTAMP: local_series(anomalies[TIMESTAMP], zone)},
            **{name: anomalies[name] * scale_of(name).factor for name in rows.sensors},
        ),
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(anomalies), _TABLE_ROWS) + 1) + 3,
        alt="Anomalies in the chosen time",
        column_config=columns,
    )


def anomalies_table(well: str, rows: Rows) -> pd.DataFrame:
    """The flagged rows of a well, the newest first; readings as stored."""
    flagged = rows.table[rows.table[ANOMALY_FLAG] == 1].iloc[::-1]
    columns = [TIMESTAMP, RECORDING, ANOMALY_SCORE, TOP_SENSOR, *rows.sensors]
    return flagged[columns].assign(**{WELL: well})[
        [TIMESTAMP, WELL, RECORDING, ANOMALY_SCORE, TOP_SENSOR, *rows.sensors]
    ]


def anomalies_csv(anomalies: pd.DataFrame) -> str:
    """The flagged rows as CSV, times as ISO 8601 in UTC."""
    return anomalies.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
