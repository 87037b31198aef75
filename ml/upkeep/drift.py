"""Compare what was scored lately with the training data: model and profiles may be outdated.

A sensor's *distance* is the 0.9 quantile, over the ten-minute means of rows that are not in alarm,
of how far they are from the profile, in the scale that the model expects (`Wandering.scale`).
Training leaves the largest distance that each sensor had in any recording, and the range of
restlessness; what lies beyond was never learned from.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from console.answers import Answer
from console.speech import say
from ml.training.normal_drift import DISTANCE_QUANTILE, WINDOW_SECONDS
from ml.upkeep.recommission import read_rows
from petrostream.aws.buckets import Bucket
from petrostream.detection.detector import Status
from petrostream.detection.profiles import Profile
from petrostream.errors import UsageError
from petrostream.ingest.readings import believable, microseconds_of, readings_of
from petrostream.registry.model_files import Model
from petrostream.registry.models import find_registry
from petrostream.registry.profile_store import ProfileStore
from petrostream.schema.columns import ALARM, SECOND, STATUS, TIMESTAMP
from petrostream.schema.keys import SCORED, BatchId, microseconds_at, parse_batch_key
from petrostream.settings import Settings

_FEWEST_MEANS: Final = 6
_HALF: Final = 0.5
_FEW_WELLS: Final = 2
_MARGIN: Final = 2.0
_COLUMNS: Final = (TIMESTAMP, STATUS, ALARM)


class Advice(IntEnum):
    """What to do; also the command's exit code."""

    NOTHING = 0
    RECOMMISSION = 4
    RETRAIN = 5


@dataclass(frozen=True, slots=True)
class SensorDrift:
    """One sensor lately: its distance, the largest in training, the share of rows it is usable.

    `distance` is `None` where there were too few readings.
    """

    sensor: str
    distance: float | None
    largest: float
    usable: float

    @property
    def is_beyond(self) -> bool:
        """Whether it wandered twice as far as in any training recording, or fell out."""
        far = self.distance is not None and self.distance > _MARGIN * max(self.largest, 1.0)
        return far or self.usable < _HALF


@dataclass(frozen=True, slots=True)
class WellDrift:
    """One well's newest recording lately; `is_strange` says its restlessness was never seen."""

    well: str
    recording: str
    sensors: tuple[SensorDrift, ...]
    is_strange: bool

    @property
    def is_beyond(self) -> bool:
        """Whether its profile no longer says what normal is."""
        return any(sensor.is_beyond for sensor in self.sensors)

    def facts(self) -> dict[str, Any]:
        """What was measured, JSON-ready."""
        sensors = [{**asdict(sensor), "is_beyond": sensor.is_beyond} for sensor in self.sensors]
        return {**asdict(self), "is_beyond": self.is_beyond, "sensors": sensors}


def report_drift(hours: float) -> Answer:
    """Say which wells to recommission and when to retrain: 0, 4 or 5.

    Parameters
    ----------
    hours
        How far back to look, from each well's newest batch.

    Raises
    ------
    UsageError
        If nothing was scored yet, or the model was trained before it kept what this needs.
    """
    registry = find_registry()
    curated = Bucket(Settings.load("curated_bucket").curated_bucket)
    model = registry.load(registry.pointer())
    wells = list(measure(curated, model, hours))
    for well in wells:
        for sensor in well.sensors:
            if sensor.is_beyond:
                say(f"{well.well}  {_describe(sensor)}")
        if well.is_strange:
            say(f"{well.well}  noisier or quieter than any well in training")
    advice = advise(wells)
    say(_in_words(advice, wells))
    facts = {
        "model": model.version,
        "advice": advice.name.lower(),
        "wells": [well.facts() for well in wells],
    }
    return Answer(facts, int(advice))


def advise(wells: Iterable[WellDrift]) -> Advice:
    """Retrain where at least two wells and half of all are off; recommission single ones."""
    known = list(wells)
    off = [well for well in known if well.is_beyond or well.is_strange]
    if len(off) >= max(_FEW_WELLS, _HALF * len(known)) or any(well.is_strange for well in off):
        return Advice.RETRAIN
    return Advice.RECOMMISSION if off else Advice.NOTHING


def measure(curated: Bucket, model: Model, hours: float) -> Iterator[WellDrift]:
    """Measure the newest recording of every well.

    Raises
    ------
    UsageError
        If nothing was scored yet, or the model was trained before it kept what this needs.
    """
    reference = model.training.get("reference")
    if not isinstance(reference, dict):
        raise UsageError(f"model {model.version} holds no reference: train again")
    newest: dict[str, list[BatchId]] = defaultdict(list)
    for key in curated.keys(SCORED):
        batch = parse_batch_key(key)
        newest[batch.well].append(batch)
    if not newest:
        raise UsageError("nothing has been scored yet: replay some recordings first")
    for _, batches in sorted(newest.items()):
        batches.sort(key=lambda one: one.first_second)
        found = _measure_recording(curated, model, reference, batches, hours)
        if found is not None:
            yield found


def _measure_recording(
    curated: Bucket,
    model: Model,
    reference: dict[str, Any],
    batches: list[BatchId],
    hours: float,
) -> WellDrift | None:
    last = batches[-1]
    known = ProfileStore(curated).of(last.well, last.recording)
    profile = known.in_force(microseconds_at(last.first_second))
    if profile is None:
        return None
    recent = [
        batch
        for batch in batches
        if batch.recording == last.recording
        and known.in_force(microseconds_at(batch.first_second)) is profile
        and (last.first_second - batch.first_second).total_seconds() <= hours * 3600
    ]
    columns = [*_COLUMNS, *profile.live_sensors]
    tables = [read_rows(curated, batch, columns) for batch in recent]
    rows = pa.concat_tables(tables, promote_options="default")
    lowest, highest = reference["restlessness"]
    return WellDrift(
        last.well,
        last.recording,
        tuple(_measure_sensors(rows, profile, model, reference["distance"])),
        not lowest <= profile.restlessness <= highest,
    )


def _measure_sensors(
    rows: pa.Table, profile: Profile, model: Model, largest: dict[str, float]
) -> Iterator[SensorDrift]:
    status = np.array(rows.column(STATUS).to_pylist(), dtype=object)
    quiet = (status == Status.SCORED.value) & (rows.column(ALARM).to_numpy() == 0)
    sensors = profile.live_sensors
    values = readings_of(rows, sensors)
    usable = believable(values, sensors) & quiet[:, np.newaxis]
    slot = microseconds_of(rows) // (WINDOW_SECONDS * SECOND)
    restlessness = profile.restlessness
    for column, name in enumerate(sensors):
        good = usable[:, column]
        if not quiet.any():
            continue
        _, which, counts = np.unique(slot[good], return_inverse=True, return_counts=True)
        means = np.bincount(which, values[good, column]) / counts if len(counts) else np.empty(0)
        scale = model.detector.wandering.scale(name, restlessness)
        off = np.abs(means - profile.sensors[name].centre) / scale
        yield SensorDrift(
            name,
            float(np.quantile(off, DISTANCE_QUANTILE)) if len(off) >= _FEWEST_MEANS else None,
            float(largest.get(name, max(largest.values(), default=1.0))),
            float(good.sum() / quiet.sum()),
        )


def _describe(sensor: SensorDrift) -> str:
    if sensor.usable < _HALF:
        return f"{sensor.sensor}: usable in {100 * sensor.usable:.0f} % of the rows only"
    return (
        f"{sensor.sensor}: {sensor.distance:.1f} scales from its profile, at most "
        f"{sensor.largest:.1f} in training"
    )


def _in_words(advice: Advice, wells: list[WellDrift]) -> str:
    off = ", ".join(well.well for well in wells if well.is_beyond or well.is_strange)
    match advice:
        case Advice.NOTHING:
            return f"{len(wells)} wells are as training knew them: nothing to do"
        case Advice.RECOMMISSION:
            return f"recommission {off} once it runs as it should: petrostream recommission <well>"
        case Advice.RETRAIN:
            return f"retrain: {off} of {len(wells)} wells are not as training knew them"
