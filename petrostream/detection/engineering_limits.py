"""Engineering limits: readings that are wrong on any day, whatever the profile says.

They stand beside the forest: a reading beyond one flags its row at once, and the event names it.
The limits are part of the model's manifest, so they reach the Lambda by the same pinned way as
everything else that decides a score (docs/decisions/0024).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from petrostream.documents import Bounds, shown
from petrostream.errors import PermanentError
from petrostream.schema.sensors import BY_NAME
from petrostream.schema.stored_forms import FORMAT_FIELD, LIMITS

BOUNDS: Final = Bounds(size=2 * 1024 * 1024, depth=8, values=100_000, text=256)
"""How large a table is read: 1,000 wells, each with both ends for all of 3W's sensors."""

_ENDS: Final = frozenset({"low", "high"})


@dataclass(frozen=True, slots=True)
class Limit:
    """Lowest and highest reading that is allowed, in the sensor's unit; infinite where open."""

    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Limits:
    """Limits a sensor, and those of single wells, which replace them."""

    sensors: Mapping[str, Limit] = field(default_factory=dict)
    wells: Mapping[str, Mapping[str, Limit]] = field(default_factory=dict)

    def of_well(self, well: str) -> dict[str, Limit]:
        """The limits that hold for a well."""
        return {**self.sensors, **self.wells.get(well, {})}

    def passed(
        self, well: str, sensors: tuple[str, ...], values: np.ndarray, sound: np.ndarray
    ) -> np.ndarray:
        """Name the limits that each row passes: ``P-TPT>high T-TPT<low``, or "".

        `values` and `sound` have shape (rows, sensors); unsound readings pass no limit.
        """
        limits = self.of_well(well)
        names = np.full(len(values), "", dtype=object)
        for column, name in enumerate(sensors):
            if name not in limits:
                continue
            reading = np.where(sound[:, column], values[:, column], np.nan)
            with np.errstate(invalid="ignore"):
                low, high = reading < limits[name].low, reading > limits[name].high
            names[low] += f" {name}<low"
            names[high] += f" {name}>high"
        return np.array([name.strip() for name in names], dtype=object)

    def to_document(self) -> dict[str, Any]:
        """Limits as what JSON and TOML hold."""
        return {
            "sensors": {name: _ends(limit) for name, limit in sorted(self.sensors.items())},
            "wells": {
                well: {name: _ends(limit) for name, limit in sorted(own.items())}
                for well, own in sorted(self.wells.items())
            },
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Limits":
        """Read limits from what JSON or TOML hold.

        Raises
        ------
        ValueError
            If they are not limits of 3W's sensors; the message says which.
        """
        try:
            LIMITS.check(document)
        except PermanentError as error:
            raise ValueError(str(error)) from error
        unknown = set(document) - {"sensors", "wells", FORMAT_FIELD}
        if unknown:
            names = ", ".join(map(shown, sorted(unknown)))
            raise ValueError(f"{names}: limits stand in 'sensors' and 'wells' only")
        return cls(
            sensors=_limits(document.get("sensors", {})),
            wells={well: _limits(own) for well, own in _wells(document.get("wells", {}))},
        )


def _ends(limit: Limit) -> dict[str, float]:
    ends = {"low": limit.low, "high": limit.high}
    return {name: value for name, value in ends.items() if math.isfinite(value)}


def _wells(document: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(document, Mapping):
        raise ValueError(f"{shown(document)} is no table of wells")  # noqa: TRY004 - one error for all
    return document.items()


def _limits(document: Any) -> dict[str, Limit]:
    if not isinstance(document, Mapping):
        raise ValueError(f"{shown(document)} is no table of sensors")  # noqa: TRY004 - one error for all
    return {name: _limit(name, ends) for name, ends in document.items()}


def _limit(name: str, ends: Any) -> Limit:
    if name not in BY_NAME:
        raise ValueError(f"{shown(name)} is none of 3W's sensors")
    if not isinstance(ends, Mapping) or not ends or set(ends) - _ENDS:
        raise ValueError(f"the limit of {name} takes low, high or both, not {shown(ends)}")
    numbers = list(ends.values())
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise ValueError(f"the limit of {name} is {shown(ends)}, which are not numbers")
    limit = Limit(**{end: float(value) for end, value in ends.items()})
    if not limit.low < limit.high:
        raise ValueError(f"the limit of {name} goes from {limit.low} to {limit.high}")
    return limit
