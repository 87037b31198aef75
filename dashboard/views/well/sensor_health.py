"""How a well's sensors are: what they read, how far from normal, and whether they work."""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.curated.bucket import Rows
from dashboard.ui.units import scale_of, spelled_out
from petrostream.detection.degraded import degraded_sensors
from petrostream.detection.normal_band import Tolerance
from petrostream.detection.profiles import Profile
from petrostream.schema.columns import ANOMALY_FLAG, DEGRADED_SENSORS, DRIVERS

_SHARE: Final = re.compile(r"([^=]+)=([0-9]{1,3})%")


def show_health(rows: Rows, profile: Profile | None, normal: Mapping[str, Tolerance]) -> None:
    """Draw the table."""
    table = health_table(rows, profile, normal)
    off = ["–" if np.isnan(value) else f"{value:.2f}" for value in table["Off by"]]
    st.dataframe(
        table.assign(**{"Off by": off}).assign(Drives=table["Drives"] * 100),
        hide_index=True,
        alt="The sensors: what they read, how far off they are, and their health",
        column_config={
            "Sensor": st.column_config.TextColumn(width=345),
            "Drives": st.column_config.ProgressColumn(
                width="small",
                format="%.0f%%",
                min_value=0.0,
                max_value=100.0,
                help="How much of this time's anomalies the sensor makes up: what drives the alarm",
            ),
            "Off by": st.column_config.TextColumn(
                alignment="right",
                help="Distance of the newest reading from normal: 1 and -1 are the edges of the "
                "green band. Sensors without one do not count in the score.",
            ),
            "Newest": st.column_config.NumberColumn(format="%.4f"),
            "Normal": st.column_config.NumberColumn(
                format="%.4f",
                help="The centre of the profile in force: the median of the time it is of",
            ),
            "Missing": st.column_config.NumberColumn(format="percent"),
        },
    )


def health_table(
    rows: Rows, profile: Profile | None, normal: Mapping[str, Tolerance]
) -> pd.DataFrame:
    """One row per sensor that has readings, those that drive the anomalies first.

    "Off by" is the newest reading's distance from the profile, 1 at the edge of what is normal;
    "Drives" is how much of the anomalies' level the sensor makes up.
    """
    table = rows.table
    shares = _shares(table)
    degraded = degraded_sensors(str(table[DEGRADED_SENSORS].iloc[-1]))
    found = []
    for name in rows.sensors:
        readings = table[name].dropna()
        newest = float(readings.iloc[-1])
        known = profile.sensors.get(name) if profile else None
        factor, unit = scale_of(name).factor, scale_of(name).unit
        found.append(
            {
                "Sensor": spelled_out(name),
                "Drives": float(shares.get(name, 0.0)),
                "Off by": normal[name].edges_off(newest) if name in normal else np.nan,
                "Newest": newest * factor,
                "Normal": known.centre * factor if known and known.readings else np.nan,
                "Unit": unit or "state",
                "State": degraded.get(name, "working"),
                "Missing": float(table[name].isna().mean()),
            }
        )
    ordered = pd.DataFrame(found)
    return ordered.sort_values("Drives", ascending=False, kind="stable", ignore_index=True)


def driving_sensors(table: pd.DataFrame) -> list[str]:
    """The sensors that drive the anomalies among some rows, the strongest first."""
    shares = _shares(table)
    return sorted(shares, key=lambda name: -shares[name])


def _shares(table: pd.DataFrame) -> dict[str, float]:
    return driving_shares(table.loc[table[ANOMALY_FLAG] == 1, DRIVERS])


def driving_shares(drivers: pd.Series) -> dict[str, float]:
    """How much each sensor drives some rows, from their column `drivers`; shares add up to 1.

    What is no share in it is left out.

    >>> driving_shares(pd.Series(["P-TPT=60% T-TPT=40%", "P-TPT=100%", ""]))
    {'P-TPT': 0.8, 'T-TPT': 0.2}
    """
    percents: dict[str, float] = {}
    for text, rows in drivers.value_counts().items():
        for word in str(text).split():
            if match := _SHARE.fullmatch(word):
                name, percent = match[1], float(match[2])
                percents[name] = percents.get(name, 0.0) + int(rows) * percent
    total = sum(percents.values())
    return {name: percent / total for name, percent in percents.items()} if total else {}
