"""Forecasts made in the background, one after the other; remembered for all visitors.

A page waits for them for a moment, and is drawn without those that are not made by then.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from dashboard.forecast.autoregression import Forecast, NoForecast, Why, look_ahead, minute_means
from dashboard.ui.timezones import frame_microseconds
from petrostream.errors import PetroStreamError
from petrostream.ingest.readings import believable
from petrostream.schema.sensors import BY_NAME, Kind

_KEPT: Final = 256
_WAIT_SECONDS: Final = 0.4
"""How long a page waits before it is drawn without."""

_log: Final = logging.getLogger("petrostream.dashboard")

ForecastOutcome = Forecast | NoForecast


@dataclass(frozen=True, slots=True)
class ForecastOrigin:
    """From where forecasts go on: a whole minute (µs since 1970) of a recording.

    `past` tells apart what they rest on: batches come late, and are scored anew.
    """

    well: str
    recording: str
    minute: int
    past: Hashable = ()

    def replaces(self, other: "ForecastOrigin") -> bool:
        """Whether forecasts from the other one are outdated by those from here."""
        return (
            (self.well, self.recording) == (other.well, other.recording)
            and self.minute >= other.minute
            and self != other
        )


class Forecasts:
    """Makes forecasts one at a time, the least recently asked for are forgotten.

    Those that wait for their turn while a later time of the recording is asked for are dropped.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="forecast")
        self._known: OrderedDict[tuple[ForecastOrigin, str], Future[ForecastOutcome]] = (
            OrderedDict()
        )
        self._lock = threading.Lock()

    def ask(
        self, origin: ForecastOrigin, sensors: Sequence[str], read: Callable[[], pd.DataFrame]
    ) -> dict[str, ForecastOutcome | None]:
        """Give the sensors' forecasts; `None` for those that are still being made.

        Parameters
        ----------
        origin
            Where they start.
        sensors
            The sensors to forecast.
        read
            Reads the recording's rows before the origin; called in another thread.
        """
        self._drop_outdated(origin)
        futures = {name: self._future(origin, name, read) for name in sensors}
        wait(futures.values(), timeout=_WAIT_SECONDS)
        return {name: self._outcome(origin, name, future) for name, future in futures.items()}

    def wait(self, origin: ForecastOrigin, sensors: Sequence[str], seconds: float) -> bool:
        """Wait for forecasts that were asked for; tells whether all of them are there."""
        with self._lock:
            asked = [self._known.get((origin, name)) for name in sensors]
        return not wait([each for each in asked if each], timeout=seconds).not_done

    def _drop_outdated(self, origin: ForecastOrigin) -> None:
        with self._lock:
            for key, future in list(self._known.items()):
                if origin.replaces(key[0]) and future.cancel():
                    del self._known[key]

    def _future(
        self, origin: ForecastOrigin, sensor: str, read: Callable[[], pd.DataFrame]
    ) -> Future[ForecastOutcome]:
        key = (origin, sensor)
        with self._lock:
            if key not in self._known:
                self._known[key] = self._pool.submit(partial(_made, origin, sensor, read))
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)[1].cancel()
            return self._known[key]

    def _outcome(
        self, origin: ForecastOrigin, sensor: str, future: Future[ForecastOutcome]
    ) -> ForecastOutcome | None:
        """What a future holds; one that failed is forgotten, so that it is tried again."""
        if not future.done() or future.cancelled():
            return None
        try:
            return future.result()
        except PetroStreamError:
            with self._lock:
                self._known.pop((origin, sensor), None)
            return NoForecast(Why.UNREAD)


def pending(outcomes: Mapping[str, ForecastOutcome | None]) -> list[str]:
    """The sensors whose forecasts are still being made."""
    return [name for name, outcome in outcomes.items() if outcome is None]


def _made(origin: ForecastOrigin, sensor: str, read: Callable[[], pd.DataFrame]) -> ForecastOutcome:
    try:
        return _forecast(origin, sensor, read)
    except PetroStreamError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it must not take the page with it
        _log.exception("The forecast of %s of %s failed", sensor, origin.recording)
        return NoForecast(Why.FAILED)


def _forecast(
    origin: ForecastOrigin, sensor: str, read: Callable[[], pd.DataFrame]
) -> ForecastOutcome:
    if BY_NAME[sensor].kind is Kind.VALVE:
        return NoForecast(Why.STATE)
    rows = read()
    if sensor not in rows:
        return NoForecast(Why.SILENT)
    times = frame_microseconds(rows)
    values = rows[sensor].to_numpy(dtype=float, na_value=np.nan)
    sound = believable(values[:, np.newaxis], (sensor,))[:, 0]
    try:
        return look_ahead(minute_means(times, np.where(sound, values, np.nan), origin.minute))
    except (ArithmeticError, ValueError):  # what linear algebra answers to numbers it can't take
        return NoForecast(Why.FAILED)
