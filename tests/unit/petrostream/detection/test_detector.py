"""What the detector makes of faults and of broken sensors."""

import numpy as np
import pyarrow as pa
import pytest

from petrostream.alarms.events import Event, from_json, join, to_json
from petrostream.detection import profiles
from petrostream.detection.profiles import SensorState
from petrostream.errors import InvalidBatch, InvalidModel
from petrostream.ingest.batches import Batch, cut
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model, PackedModel, Pointer, pack, unpack
from petrostream.schema.columns import (
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    DEGRADED_SENSORS,
    DRIVERS,
    STATUS,
    TIMESTAMP,
    TIMESTAMP_TYPE,
    TOP_SENSOR,
)
from petrostream.scoring.score_batch import score_batch

ROWS = 4000
SENSORS = ("P-PDG", "P-TPT", "T-TPT")


def signals(seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "P-PDG": 3e7 + 1e4 * random.standard_normal(ROWS),
        "P-TPT": 1e7 + 1e4 * random.standard_normal(ROWS),
        "T-TPT": 90 + 0.2 * random.standard_normal(ROWS),
    }


def score(values: dict[str, np.ndarray], model: Model) -> pa.Table:
    batch = whole(values)
    return score_batch(batch, profiles.learn(batch), model).table


def whole(values: dict[str, np.ndarray]) -> Batch:
    stamps = pa.array(np.arange(ROWS) * 1_000_000).cast(TIMESTAMP_TYPE)
    columns = {name: pa.array(value, mask=np.isnan(value)) for name, value in values.items()}
    table = pa.table({TIMESTAMP: stamps, **columns})
    return next(cut(Recording("WELL-1", "WELL-1_1", table), batch_seconds=10**6))


def test_a_step_on_one_sensor_is_flagged_within_minutes_and_named(model: Model) -> None:
    values = signals()
    values["P-TPT"][2500:] += 2e6
    found = score(values, model)
    flag = found.column(ANOMALY_FLAG).to_numpy()
    assert not flag[:2500].any()
    assert np.flatnonzero(flag)[0] < 2500 + 180
    assert flag[2800:].all()
    assert set(found.column(TOP_SENSOR).to_pylist()[2800:]) == {"P-TPT"}
    assert found.column(DRIVERS).to_pylist()[3000].startswith("P-TPT=")


def test_status_says_what_became_of_each_row(model: Model) -> None:
    values = signals()
    for value in values.values():
        value[2000:3000] = np.nan
    found = score(values, model)
    status = np.array(found.column(STATUS).to_pylist())
    assert (status[:900] == "commissioning").all()
    assert (status[900:2000] == "scored").all()
    assert (status[2000:2590] == "scored").all()
    assert (status[2600:3000] == "unscorable").all()
    assert status[3000] == "scored"
    scores = found.column(ANOMALY_SCORE).to_numpy(zero_copy_only=False)
    assert (np.isnan(scores) == (status != "scored")).all()
    degraded = found.column(DEGRADED_SENSORS).to_pylist()
    assert degraded[2500] == "P-PDG=missing P-TPT=missing T-TPT=missing"


def test_a_frozen_sensor_is_left_out_and_shown(model: Model) -> None:
    values = signals()
    values["P-PDG"][1500:] = values["P-PDG"][1500]
    found = score(values, model)
    degraded = found.column(DEGRADED_SENSORS).to_pylist()
    assert degraded[1400] == ""
    assert set(degraded[2110:]) == {"P-PDG=frozen"}
    assert not found.column(ANOMALY_FLAG).to_numpy()[2110:].any()


def test_readings_that_cannot_be_are_left_out_and_shown(model: Model) -> None:
    values = signals()
    values["P-PDG"][1500:] = -1e6 + values["P-TPT"][1500:] / 1e3
    found = score(values, model)
    assert set(found.column(DEGRADED_SENSORS).to_pylist()[1700:]) == {"P-PDG=implausible"}
    assert not found.column(ANOMALY_FLAG).to_numpy().any()
    values["P-PDG"][:900:20] = -1e6
    assert profiles.learn(whole(values)).sensors["P-PDG"].state is SensorState.IMPLAUSIBLE


def test_an_event_says_how_much_each_sensor_drives_it(model: Model) -> None:
    values = signals()
    values["P-TPT"][2500:] -= 2e6
    values["T-TPT"][2500:] -= 3
    batch = whole(values)
    event = score_batch(batch, profiles.learn(batch), model).runs[-1]
    assert event.drivers[:2] == ("P-TPT", "T-TPT")
    assert sum(event.shares.values()) == pytest.approx(1)
    assert event.shares["P-TPT"] > event.shares["T-TPT"] > event.shares.get("P-PDG", 0)


def test_a_well_whose_sensors_all_stand_still_is_still_scored(model: Model) -> None:
    values = signals()
    for value in values.values():
        value[2000:] = value[1999]
    found = score(values, model)
    assert set(found.column(STATUS).to_pylist()[900:]) == {"scored"}


def test_a_sensor_that_comes_alive_is_scored_where_there_is_no_other(model: Model) -> None:
    values = signals()
    values["P-PDG"][:1200] = np.nan
    values["P-TPT"][:] = values["T-TPT"][:] = np.nan
    found = score(values, model)
    assert set(found.column(STATUS).to_pylist()[1200:]) == {"scored"}


def test_a_sensor_that_was_frozen_or_missing_from_the_start_has_no_profile(model: Model) -> None:
    values = signals()
    values["P-PDG"][:] = 0.0
    values["T-TPT"][:2000] = np.nan
    batch = whole(values)
    profile = profiles.learn(batch)
    assert profile.live_sensors == ("P-TPT",)
    assert profile.sensors["P-PDG"].state is SensorState.FROZEN
    assert profile.sensors["T-TPT"].state is SensorState.MISSING
    degraded = score_batch(batch, profile, model).table.column(DEGRADED_SENSORS).to_pylist()
    assert degraded[0] == "P-PDG=frozen T-TPT=missing"
    assert degraded[3000] == "P-PDG=frozen T-TPT=unprofiled"


def test_without_any_live_sensor_nothing_is_guessed(model: Model) -> None:
    values = {name: np.zeros(ROWS) for name in SENSORS}
    found = score(values, model)
    assert set(found.column(STATUS).to_pylist()[900:]) == {"unscorable"}
    assert set(found.column(DEGRADED_SENSORS).to_pylist()) == {
        "P-PDG=frozen P-TPT=frozen T-TPT=frozen"
    }


def test_profiles_read_back(model: Model) -> None:
    profile = profiles.learn(whole(signals()))
    assert profiles.from_json(profiles.to_json(profile)) == profile


def test_too_short_a_lookback_is_refused(model: Model) -> None:
    values = signals()
    stamps = pa.array(np.arange(ROWS) * 1_000_000).cast(TIMESTAMP_TYPE)
    recording = Recording("WELL-1", "WELL-1_1", pa.table({TIMESTAMP: stamps, **values}))
    first, second, *_ = cut(recording, lookback_seconds=120)
    with pytest.raises(InvalidBatch, match="carries 120 s of lookback, the model needs"):
        score_batch(second, profiles.learn(first), model)


def run(start: int, end: int, *, score: float = 1.5, opens: bool = True, well: str = "W") -> Event:
    second = 1_000_000
    return Event(well, "R", start * second, end * second, start * second, score, end - start + 1,
                 {"P-PDG": end - start + 1}, opens)  # fmt: skip


def test_runs_join_across_batches_and_not_across_wells() -> None:
    runs = [
        run(100, 199),
        run(200, 260, score=3.0, opens=False),
        run(400, 410),
        run(230, 240, well="V"),
    ]
    joined = join(reversed(runs), gap_seconds=60)
    assert [(event.well, event.start // 10**6, event.end // 10**6) for event in joined] == [
        ("V", 230, 240), ("W", 100, 260), ("W", 400, 410),
    ]  # fmt: skip
    assert joined[1].rows == 161
    assert joined[1].peak_score == 3.0 and joined[1].peak == 200 * 10**6
    assert joined[1].sensors == {"P-PDG": 161}


def test_runs_read_back() -> None:
    runs = [run(1, 5), run(90, 95)]
    assert from_json(to_json(runs, model_version="v", gap_seconds=60)) == (runs, 60)


def test_a_packed_model_reads_back_and_any_change_is_noticed(packed: PackedModel) -> None:
    model = unpack(packed.pointer, packed.manifest, packed.forest)
    assert model.version == packed.pointer.version
    assert pack(model.detector, model.training) == packed
    for changed in (
        (packed.pointer, packed.manifest + b" ", packed.forest),
        (packed.pointer, packed.manifest, packed.forest[:-1]),
        (Pointer(packed.pointer.version, "0" * 64), packed.manifest, packed.forest),
    ):
        with pytest.raises(InvalidModel):
            unpack(*changed)
