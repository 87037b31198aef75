"""The times and weights that shape the detector; they are published with the model."""

import math
from dataclasses import dataclass
from typing import Any, Final

_LONGEST_SECONDS: Final = 366 * 86_400


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """Times in seconds, and how much the forest says.

    `windows` are what a row's level is averaged over, shortest first; `window_seconds` is how
    long a sensor may be silent before it counts as missing, and what its noise is taken over;
    `step_seconds` how often scores are evaluated; `frozen_seconds` how long a sensor gives one
    value before it counts as frozen; `alarm_seconds` the time of which half must be over the
    threshold; `merge_gap_seconds` how long a quiet stretch may be within one event.
    `forest_weight` is what the forest's score (0 to 1) counts against the level.
    """

    windows: tuple[int, ...] = (60, 180, 600, 1800)
    window_seconds: int = 180
    step_seconds: int = 5
    frozen_seconds: int = 600
    alarm_seconds: int = 60
    merge_gap_seconds: int = 600
    forest_weight: float = 0.5

    @property
    def lookback_seconds(self) -> int:
        """How much lookback a batch must carry for these settings."""
        return (
            max(*self.windows, self.window_seconds, self.frozen_seconds)
            + self.alarm_seconds
            + self.merge_gap_seconds
            + self.step_seconds
        )

    @classmethod
    def of(cls, document: dict[str, Any]) -> "DetectorSettings":
        """Read settings from a manifest.

        Raises
        ------
        ValueError, TypeError
            If they are not settings that a detector can run with.
        """
        settings = cls(**{**document, "windows": tuple(document["windows"])})
        times = {
            "windows": settings.windows,
            "window_seconds": (settings.window_seconds,),
            "step_seconds": (settings.step_seconds,),
            "frozen_seconds": (settings.frozen_seconds,),
            "alarm_seconds": (settings.alarm_seconds,),
            "merge_gap_seconds": (settings.merge_gap_seconds,),
        }
        for name, values in times.items():
            if not all(type(value) is int and 0 < value <= _LONGEST_SECONDS for value in values):
                raise ValueError(f"its {name} {values!r} is no number of seconds")
        if not settings.windows or sorted(settings.windows) != list(settings.windows):
            raise ValueError(f"its windows {settings.windows} do not grow from a positive time")
        if not 0 <= settings.forest_weight < math.inf:
            raise ValueError(f"its forest_weight {settings.forest_weight!r} is no weight")
        return settings
