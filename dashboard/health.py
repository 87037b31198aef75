"""How a well's sensors are: what they read, how far from normal, and whether they work."""

import numpy as np
import pandas as pd

from dashboard.data import Rows
from dashboard.fleet import degraded_sensors
from dashboard.units import scale_of, spelled_out
from petrostream.columns import ANOMALY_FLAG, DEGRADED_SENSORS, TOP_SENSOR
from petrostream.profiles import Profile


def health_table(rows: Rows, profile: Profile | None) -> pd.DataFrame:
    """A row a sensor that has readings, those that drive the anomalies first.

    "Off by" is the newest reading's distance from the profile in its spreads, "Furthest off" the
    share of the anomalies in which no sensor was further off.
    """
    table = rows.table
    flagged = table.loc[table[ANOMALY_FLAG] == 1, TOP_SENSOR]
    shares = flagged.value_counts(normalize=True)
    degraded = degraded_sensors(str(table[DEGRADED_SENSORS].iloc[-1]))
    found = []
    for name in rows.sensors:
        readings = table[name].dropna()
        newest = float(readings.iloc[-1])
        known = profile.sensors.get(name) if profile else None
        factor, unit = scale_of(name).factor, scale_of(name).unit
        has_spread = known is not None and known.spread > 0
        found.append(
            {
                "Sensor": spelled_out(name),
                "Furthest off": float(shares.get(name, 0.0)),
                "Off by": (newest - known.centre) / known.spread if has_spread else np.nan,
                "Newest": newest * factor,
                "Normal": known.centre * factor if known and known.readings else np.nan,
                "Unit": unit or "state",
                "State": degraded.get(name, "working"),
                "Missing": float(table[name].isna().mean()),
            }
        )
    ordered = pd.DataFrame(found)
    return ordered.sort_values("Furthest off", ascending=False, kind="stable", ignore_index=True)
