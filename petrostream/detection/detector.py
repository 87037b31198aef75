"""The detector: from readings and a profile to a score, a flag, an alarm and reasons for every row.

A row's score is its *level* (how far the last minutes are from the profile,
`petrostream.detection.features`) and what an Isolation Forest makes of level, change and noise
together, over a threshold: 1.0 is where a row is flagged. The level knows far from very far, which
a forest can't; the forest knows that a level which is usual by itself is not so while readings
change or grow noisy (Liu, Ting and Zhou 2008, "Isolation Forest"). Engineering limits flag a row
whatever its score.

The score is evaluated at the first scorable reading of every step (five seconds, counted from the
recording's start) and held for the rest of it: a fifth of the work, and no row without a score.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from petrostream.detection.degraded import degraded_in_profile, gives_nonsense
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.features import (
    Observation,
    Wandering,
    observe,
    spread_out,
)
from petrostream.detection.isolation_forest import Forest
from petrostream.detection.parameters import DetectorSettings
from petrostream.detection.persistence import in_alarm
from petrostream.detection.profiles import Profile
from petrostream.ingest.batches import Batch
from petrostream.ingest.readings import believable, readings_of

_DRIVERS_SHOWN: Final = 3
PERCENT: Final = 100


class Status(StrEnum):
    """What became of a row."""

    COMMISSIONING = "commissioning"
    SCORED = "scored"
    UNSCORABLE = "unscorable"


@dataclass(frozen=True, slots=True)
class RowScores:
    """What the detector says of each row that a batch adds, and of those just before it.

    All arrays have one entry a row of the batch, lookback included (its far end is not scored).
    `score` is NaN where `status` is not `scored`; `shares` has shape (rows, sensors): the percent
    of the level that each of the batch's sensors makes up. `drivers` says the same in words, the
    strongest first; `limits` names the engineering limits that a row passes.
    """

    status: np.ndarray
    score: np.ndarray
    flag: np.ndarray
    alarm: np.ndarray
    shares: np.ndarray
    top_sensor: np.ndarray
    drivers: np.ndarray
    limits: np.ndarray
    degraded: np.ndarray


@dataclass(frozen=True)
class Detector:
    """Scores batches against their recordings' profiles.

    `threshold` is the sum of level and weighted forest score from which a row is flagged,
    `floor` the usual value of each feature; `drift` and `exponent` are those of `Wandering`.
    """

    forest: Forest
    threshold: float
    drift: dict[str, float]
    exponent: float
    floor: tuple[float, ...]
    settings: DetectorSettings = field(default_factory=DetectorSettings)
    limits: Limits = field(default_factory=Limits)

    @property
    def wandering(self) -> Wandering:
        """How far sensors wander in normal hours."""
        return Wandering(self.drift, self.exponent)

    def score(self, batch: Batch, profile: Profile) -> RowScores:
        """Score a batch's rows; the rows just before it are scored too, for events' sake."""
        seen = observe(batch, profile, self.wandering, self.settings)
        evaluated = rate(self.forest, seen.features, self.floor, self.settings) / self.threshold
        alarm = in_alarm(batch.microseconds[seen.rows], evaluated >= 1.0, self.settings)
        shares = _shares(seen.contributions)
        commissioning = batch.microseconds < batch.commissioning_end
        limits = self._limits_passed(batch, seen, commissioning)
        beyond = limits != ""
        score = _held(evaluated, seen.held, np.nan)
        score[beyond] = np.fmax(score[beyond], 1.0)
        scored = np.isfinite(score)
        status = np.where(
            commissioning,
            Status.COMMISSIONING.value,
            np.where(scored, Status.SCORED.value, Status.UNSCORABLE.value),
        )
        return RowScores(
            status=status,
            score=score,
            flag=scored & (np.nan_to_num(score) >= 1.0),
            alarm=_held(alarm, seen.held, default=False) | beyond,
            shares=_held(shares, seen.held, 0),
            top_sensor=spread_out(_top_sensors(seen), seen.held),
            drivers=spread_out(describe_shares(seen.sensors, shares), seen.held),
            limits=limits,
            degraded=np.where(
                commissioning, degraded_in_profile(batch.sensors, profile), seen.degraded
            ),
        )

    def _limits_passed(
        self, batch: Batch, seen: Observation, commissioning: np.ndarray
    ) -> np.ndarray:
        """Name the limits that rows pass, on sensors that are neither frozen nor implausible."""
        if not self.limits.of_well(batch.id.well):
            return np.full(len(commissioning), "", dtype=object)
        values = readings_of(batch.table, seen.sensors)
        sound = believable(values, seen.sensors) & ~commissioning[:, np.newaxis]
        kinds = {text: number for number, text in enumerate(dict.fromkeys(seen.degraded))}
        which = np.array([kinds[text] for text in seen.degraded])
        nonsense = np.array([gives_nonsense(text, seen.sensors) for text in kinds])
        return self.limits.passed(batch.id.well, seen.sensors, values, sound & ~nonsense[which])


def rate(
    forest: Forest, features: np.ndarray, floor: tuple[float, ...], settings: DetectorSettings
) -> np.ndarray:
    """Level and forest together, before the threshold: shape (windows,)."""
    by_forest = -forest.score_samples(one_sided(features, floor))
    return features[:, 0] + settings.forest_weight * by_forest


def one_sided(features: np.ndarray, floor: tuple[float, ...]) -> np.ndarray:
    """Raise features to their usual values: a forest isolates the quiet side as well, but a
    well that is quieter than most is not abnormal.
    """
    return np.maximum(features, np.array(floor))


def _held(evaluated: np.ndarray, held: np.ndarray, default: float) -> np.ndarray:
    """Give each row the value of the row that it takes its score from."""
    rows = np.full((len(held), *evaluated.shape[1:]), default, dtype=evaluated.dtype)
    rows[held >= 0] = evaluated[held[held >= 0]]
    return rows


def _shares(contributions: np.ndarray) -> np.ndarray:
    """Each sensor's part in the level, in whole percent, shape (windows, sensors)."""
    total = contributions.sum(axis=1, keepdims=True)
    return np.rint(PERCENT * contributions / np.where(total > 0, total, 1.0)).astype(np.int64)


def _top_sensors(seen: Observation) -> np.ndarray:
    names = np.array(seen.sensors, dtype=object)
    return names[np.argmax(seen.contributions, axis=1)] if len(seen.rows) else names[:0]


def describe_shares(sensors: tuple[str, ...], shares: np.ndarray) -> np.ndarray:
    """Name the sensors that make up most of a level: ``P-TPT=62% T-TPT=31%``, three at most."""
    tens = np.rint(shares / 10.0).astype(np.int64) * 10
    kinds, which = np.unique(tens, axis=0, return_inverse=True)
    texts = []
    for kind in kinds:
        order = sorted(np.flatnonzero(kind), key=lambda column: (-kind[column], column))
        texts.append(" ".join(f"{sensors[one]}={kind[one]}%" for one in order[:_DRIVERS_SHOWN]))
    return np.array(texts, dtype=object)[which.ravel()]
