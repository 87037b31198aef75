"""How good the data are: by well and sensor, gaps in time, recordings without a profile."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd

from dashboard.curated.snapshot import FIRST, LAST, Snapshot
from dashboard.wells.status import WellStatus
from petrostream.detection.degraded import Degradation, is_resting_valve
from petrostream.schema.columns import RECORDING, WELL
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring import summaries

LEAST_GAP: Final = timedelta(minutes=1)
WORTH_SHOWING: Final = 0.05
"""Share of the readings from which on something counts as wrong with a sensor."""

KINDS: Final = ("missing", "frozen", "implausible", "good")


def sensor_grid(snapshot: Snapshot, wells: Sequence[WellStatus]) -> pd.DataFrame:
    """One row per well and sensor: shares of rows that are missing, frozen, implausible.

    `kind` is the one that most rows have, where it is more than one in twenty; valves that keep
    their state are not frozen. Sensors that no well has are left out.
    """
    tables = []
    for well in wells:
        packed = snapshot.sensors(well.places)
        rows = snapshot.table["rows"].iloc[well.places].to_numpy()[:, np.newaxis]
        shares = {
            "missing": summaries.missing_share(packed),
            "frozen": np.where(_may_rest(), 0.0, summaries.frozen_share(packed)),
            "implausible": summaries.implausible_share(packed),
        }
        means = {name: (each * rows).sum(axis=0) / rows.sum() for name, each in shares.items()}
        tables.append(pd.DataFrame({WELL: well.name, "sensor": SENSOR_NAMES} | means))
    grid = pd.concat(tables, ignore_index=True)
    worst = grid[["missing", "frozen", "implausible"]].to_numpy()
    is_good = worst.max(axis=1) < WORTH_SHOWING
    grid["kind"] = np.where(is_good, "good", np.array(KINDS)[worst.argmax(axis=1)])
    grid["share"] = worst.max(axis=1)
    known = grid.groupby("sensor")["missing"].transform("min") < 1
    return grid[known].reset_index(drop=True)


def _may_rest() -> np.ndarray:
    return np.array([is_resting_valve(name, Degradation.FROZEN) for name in SENSOR_NAMES])


def gaps(snapshot: Snapshot, wells: Sequence[WellStatus]) -> pd.DataFrame:
    """Times within a recording for which no batch has come, the longest first."""
    found = []
    every = {name: snapshot.table[name].to_numpy() for name in (FIRST, LAST)}
    for well in wells:
        recordings = snapshot.batches["recording"][well.places]
        first, last = every[FIRST][well.places], every[LAST][well.places]
        order = np.lexsort((first, recordings))
        recordings, first, last = recordings[order], first[order], last[order]
        lengths = first[1:] - last[:-1]
        same = recordings[1:] == recordings[:-1]
        places = np.flatnonzero(same & (lengths > np.timedelta64(LEAST_GAP)))
        found.append(
            pd.DataFrame(
                {
                    WELL: well.name,
                    RECORDING: [snapshot.recordings[number] for number in recordings[places]],
                    "from": last[places],
                    "to": first[places + 1],
                    "minutes": lengths[places] / np.timedelta64(1, "m"),
                }
            )
        )
    return pd.concat(found, ignore_index=True).sort_values("minutes", ascending=False)


def unscorable_recordings(snapshot: Snapshot, wells: Sequence[WellStatus]) -> pd.DataFrame:
    """Recordings of which nothing was scored: no sensor has a profile that can be used."""
    places = np.concatenate([np.arange(well.places.start, well.places.stop) for well in wells])
    table = snapshot.table.iloc[places]
    sums = table.groupby([WELL, RECORDING], observed=True).agg(
        readings=("rows", "sum"),
        commissioning=("commissioning", "sum"),
        scored=("scored", "sum"),
        unscorable=("unscorable", "sum"),
        begun=(FIRST, "min"),
    )
    chosen = sums[(sums["scored"] == 0) & (sums["unscorable"] > 0)]
    return chosen.reset_index().astype({WELL: str, RECORDING: str})
