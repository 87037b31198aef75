"""A batch's columns may stand in any order: what is scored follows the list of sensors."""

import random
from dataclasses import replace

import pytest

from petrostream.detection import profiles
from petrostream.ingest.batches import Batch, cut, decode, encode
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring.score_batch import encode_scored, score_batch

ETAG = "0123456789abcdef"


def reordered(batch: Batch, names: list[str]) -> Batch:
    """The batch as a producer uploads it whose columns stand in another order."""
    return decode(encode(replace(batch, table=batch.table.select(names))), batch.id)


def shuffled(names: list[str], seed: int) -> list[str]:
    return random.Random(seed).sample(names, len(names))


@pytest.mark.parametrize("seed", range(3))
def test_scores_drivers_and_states_do_not_depend_on_the_order_of_columns(
    recordings: list[Recording], model: Model, seed: int
) -> None:
    several_drivers = several_degraded = 0
    for recording in recordings[:3]:
        batches = list(cut(recording, batch_seconds=1800))
        profile = profiles.learn(batches[0])
        names = shuffled(batches[0].table.column_names, seed)
        assert profiles.to_json(profiles.learn(reordered(batches[0], names))) == profiles.to_json(
            profile
        )
        for batch in batches:
            other = reordered(batch, names)
            expected, found = (score_batch(each, profile, model) for each in (batch, other))
            assert found.table.equals(expected.table)
            assert found.runs == expected.runs
            assert encode_scored(found, other, model, ETAG) == encode_scored(
                expected, batch, model, ETAG
            )
            texts = expected.table.select(["drivers", "degraded_sensors"]).to_pydict()
            several_drivers += sum(" " in text for text in texts["drivers"])
            several_degraded += sum(" " in text for text in texts["degraded_sensors"])
    assert several_drivers and several_degraded, "nothing to get wrong"


def test_sensors_are_named_in_the_lists_order(recordings: list[Recording]) -> None:
    batch = next(cut(recordings[0]))
    found = reordered(batch, batch.table.column_names[::-1]).sensors
    assert found == batch.sensors
    assert list(found) == [name for name in SENSOR_NAMES if name in set(found)]
