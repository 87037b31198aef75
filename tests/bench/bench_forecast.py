"""How forecasts did on the hour that came: ``python -m tests.bench.bench_forecast DATA``.

From every half hour of every recording, each sensor's next hour is forecast on what came before,
and held against what came then and against the last value. Prints JSON, a line for each choice of
families: with ``--families`` for several, two that are not used among them. Errors are in
steps of the sensor's resolution (0.2 bar, 0.1 °C), so that sensors can be added up.
"""

import argparse
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.api import Holt, SimpleExpSmoothing

from dashboard.forecast.autoregression import (
    FAMILIES,
    HORIZON,
    LEAST_HISTORY,
    MINUTE,
    Family,
    Forecast,
    look_ahead,
    minute_means,
)
from petrostream.ingest.readings import believable, readings_of
from petrostream.ingest.recordings import find_recordings, read_recordings
from petrostream.schema.sensors import BY_NAME, SENSOR_NAMES, Kind


def damped_trend(past: np.ndarray) -> np.ndarray:
    """Holt's damped trend."""
    model = Holt(past, damped_trend=True, initialization_method="heuristic")
    return model.fit(use_brute=False).forecast(HORIZON)


def smoothed(past: np.ndarray) -> np.ndarray:
    """Simple exponential smoothing."""
    model = SimpleExpSmoothing(past, initialization_method="heuristic")
    return model.fit(use_brute=False).forecast(HORIZON)


COMPARED: dict[str, Mapping[str, Family]] = {
    **{name: {name: family} for name, family in FAMILIES.items()},
    "damped trend": {"damped trend": damped_trend},
    " or ".join(FAMILIES): FAMILIES,
    "any of these": {**FAMILIES, "damped trend": damped_trend},
    "smoothed": {"smoothed": smoothed},
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A forecast held against its hour; errors in resolutions."""

    well: str
    recording: str
    family: str
    error: float
    last_value_error: float
    covered: float


@dataclass
class AlarmCount:
    """What became of all the points."""

    points: int = 0
    judged: list[Judged] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def series(data: Path) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """Well, recording, sensor and its minutes, for every sensor that is not a valve's state."""
    files, _ = find_recordings(data)
    for recording in read_recordings(files, []):
        names = [
            name
            for name in SENSOR_NAMES
            if name in recording.table.column_names and BY_NAME[name].kind is not Kind.VALVE
        ]
        times = recording.microseconds
        values = readings_of(recording.table, tuple(names))
        values = np.where(believable(values, tuple(names)), values, np.nan)
        end = (int(times[-1]) // MINUTE) * MINUTE
        for column, name in enumerate(names):
            minutes = minute_means(times, values[:, column], end, most=len(times))
            if np.isfinite(minutes).any():
                yield recording.well, recording.recording, name, minutes


def measure(data: Path, every: int, families: Mapping[str, Family]) -> AlarmCount:
    """Forecast from every so many minutes of every series."""
    tally = AlarmCount()
    for well, recording, sensor, minutes in series(data):
        for origin in range(LEAST_HISTORY, len(minutes) - HORIZON + 1, every):
            began = time.perf_counter()
            found = look_ahead(minutes[:origin], families)
            tally.seconds.append(time.perf_counter() - began)
            tally.points += 1
            truth = minutes[origin : origin + HORIZON]
            there = np.isfinite(truth)
            if not isinstance(found, Forecast):
                tally.refused[found.why.name.lower()] += 1
            elif not there.any():
                tally.refused["nothing came after it"] += 1
            else:
                past = minutes[:origin]
                size = BY_NAME[sensor].resolution
                last = past[np.isfinite(past)][-1]
                inside = (truth >= found.low) & (truth <= found.high)
                tally.judged.append(
                    Judged(
                        well,
                        recording,
                        found.backtest.family,
                        float(np.nanmean(np.abs(truth - found.middle))) / size,
                        float(np.nanmean(np.abs(truth - last))) / size,
                        float(np.mean(inside[there])),
                    )
                )
    return tally


def summary(judged: list[Judged]) -> dict[str, Any]:
    """Figures of some forecasts."""
    if not judged:
        return {"forecasts": 0}
    error = np.array([each.error for each in judged])
    last = np.array([each.last_value_error for each in judged])
    covered = np.array([each.covered for each in judged])
    by_well = {
        well: [each for each in judged if each.well == well]
        for well in sorted({each.well for each in judged})
    }
    return {
        "forecasts": len(judged),
        "recordings": len({each.recording for each in judged}),
        "families": dict(Counter(each.family for each in judged)),
        "better_than_last_value": round(float(np.mean(error < last)), 3),
        "mean_error": round(float(error.mean()), 3),
        "mean_error_of_last_value": round(float(last.mean()), 3),
        "median_error": round(float(np.median(error)), 3),
        "median_error_of_last_value": round(float(np.median(last)), 3),
        "worse_by_a_resolution": round(float(np.mean(error - last > 1)), 3),
        "better_by_a_resolution": round(float(np.mean(last - error > 1)), 3),
        "covered": round(float(covered.mean()), 3),
        "by_well": {
            well: {
                "forecasts": len(own),
                "better": round(float(np.mean([o.error < o.last_value_error for o in own])), 2),
                "covered": round(float(np.mean([o.covered for o in own])), 2),
            }
            for well, own in by_well.items()
        },
    }


def report(name: str, tally: AlarmCount) -> dict[str, Any]:
    """Everything about one choice of families."""
    return {
        "by": name,
        "points": tally.points,
        "no_forecast": dict(tally.refused),
        "seconds_a_sensor": {
            "median": round(float(np.median(tally.seconds or [0.0])), 3),
            "most": round(max(tally.seconds, default=0.0), 3),
        },
        **summary(tally.judged),
    }


def main(arguments: list[str]) -> int:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of 3W recordings")
    parser.add_argument("--every", type=int, default=30, help="minutes (default: %(default)s)")
    parser.add_argument("--families", action="store_true", help="compare families")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ConvergenceWarning)
    choices = COMPARED if chosen.families else {" or ".join(FAMILIES): FAMILIES}
    for name, families in choices.items():
        tally = measure(chosen.data, chosen.every, families)
        sys.stdout.write(f"{json.dumps(report(name, tally))}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
