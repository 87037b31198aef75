"""Engineering limits: read strictly, flag at once, named in the event."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from petrostream.detection import profiles
from petrostream.detection.engineering_limits import Limit, Limits
from petrostream.ingest.batches import cut
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model, pack, unpack
from petrostream.schema.columns import ALARM, ANOMALY_FLAG, ANOMALY_SCORE, LIMITS, TIMESTAMP
from petrostream.schema.columns import TIMESTAMP_TYPE as STAMPS
from petrostream.scoring.score_batch import ScoredBatch, score_batch

ROWS = 2400
LIMITED = Limits.of(
    {
        "sensors": {"P-TPT": {"high": 1.2e7}, "T-TPT": {"low": 80}},
        "wells": {"WELL-2": {"P-TPT": {"high": 2e7}}},
    }
)


def scored(values: dict[str, np.ndarray], model: Model, well: str = "WELL-1") -> ScoredBatch:
    stamps = pa.array(np.arange(ROWS) * 1_000_000).cast(STAMPS)
    table = pa.table({TIMESTAMP: stamps, **values})
    batch = next(cut(Recording(well, f"{well}_1", table), batch_seconds=10**6))
    return score_batch(batch, profiles.learn(batch), model)


@pytest.fixture(scope="module")
def limited(model: Model) -> Model:
    """The model with engineering limits, as the Lambda reads it."""
    packed = pack(replace(model.detector, limits=LIMITED), {})
    return unpack(packed.pointer, packed.manifest, packed.forest)


def signals() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        "P-TPT": 1e7 + 1e4 * random.standard_normal(ROWS),
        "T-TPT": 90 + 0.1 * random.standard_normal(ROWS),
    }


def test_one_reading_beyond_a_limit_is_an_alarm_at_once_and_named(limited: Model) -> None:
    values = signals()
    values["P-TPT"][2000] = 1.21e7
    found = scored(values, limited)
    flag = found.table.column(ANOMALY_FLAG).to_numpy()
    assert np.flatnonzero(flag).tolist() == [2000]
    assert found.table.column(ALARM).to_numpy()[2000] == 1
    assert found.table.column(ANOMALY_SCORE).to_pylist()[2000] >= 1.0
    assert found.table.column(LIMITS).to_pylist()[1999:2002] == ["", "P-TPT>high", ""]
    assert [event.limits for event in found.runs] == [{"P-TPT>high": 1}]


def test_a_well_may_have_its_own_limits(limited: Model) -> None:
    values = signals()
    values["P-TPT"][2000] = 1.21e7
    assert not scored(values, limited, well="WELL-2").runs


def test_neither_a_broken_sensor_nor_the_commissioning_time_passes_a_limit(limited: Model) -> None:
    values = signals()
    values["P-TPT"][100] = 1.3e7
    values["P-TPT"][2000] = 9e9
    values["T-TPT"][:] = 0.0
    assert not scored(values, limited).runs


def test_limits_read_back() -> None:
    assert Limits.of(LIMITED.to_document()) == LIMITED
    assert LIMITED.of_well("WELL-2") == {"P-TPT": Limit(high=2e7), "T-TPT": Limit(low=80.0)}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"sensors": {"P-XYZ": {"high": 1}}}, "none of 3W's sensors"),
        ({"sensors": {"P-TPT": {"max": 1}}}, "takes low, high or both"),
        ({"sensors": {"P-TPT": {}}}, "takes low, high or both"),
        ({"sensors": {"P-TPT": {"low": 2, "high": 1}}}, "goes from"),
        ({"sensors": {"P-TPT": {"high": "12 bar"}}}, "not numbers"),
        ({"P-TPT": {"high": 1}}, "'sensors' and 'wells' only"),
        ({"wells": {"WELL-1": 3}}, "no table of sensors"),
    ],
)
def test_limits_that_make_no_sense_are_refused(document: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Limits.of(document)
