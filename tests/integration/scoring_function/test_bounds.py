"""Memory, time-out and bounds of objects fit each other: measured on the largest legal object."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml.training.fit import TrainingSettings
from petrostream.ingest import decoder
from petrostream.ingest.batches import (
    MAX_OBJECT_BYTES,
    MAX_ROWS,
    MAX_UNPACKED_BYTES,
    Batch,
    encode,
)
from petrostream.ingest.isolation import TRIES, WALL_SECONDS
from petrostream.ingest.recordings import Recording
from petrostream.local.function import FUNCTION_MEMORY_MB, FUNCTION_TIMEOUT_SECONDS
from petrostream.registry.model_files import FOREST_NAME, MANIFEST_NAME, pack
from petrostream.schema.columns import READING_SCHEMA
from petrostream.schema.sensors import SENSOR_NAMES
from petrostream.scoring.reserve import (
    MEGABYTES_OF_A_PROCESSOR,
    SLOWEST_CPU_SECONDS,
    seconds_to_keep,
    slowest_seconds,
)
from petrostream.settings import PROJECT_ROOT
from tests.support.largest import first_of_it, largest
from tests.support.training import trained_on

MB = 1024 * 1024
WIDEST_CELL_BYTES = 12
"""A reading that stands in a dictionary, and the number that points to it."""
AT_MOST = 0.85
"""Share of the function's memory that the largest object may take."""


def variable(name: str, pattern: str) -> int:
    """A figure of one of the root's variables."""
    text = (PROJECT_ROOT / "infrastructure/variables.tf").read_text()
    block = text.partition(f'variable "{name}" {{')[2].partition("\n}\n")[0]
    found = re.search(pattern, block)
    assert found, f"{name} has no {pattern}"
    return int(found[1])


def default(name: str) -> int:
    return variable(name, r"default\s*=\s*(\d+)")


def least(name: str) -> int:
    return variable(name, rf"var\.{name} >= (\d+)")


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, recordings: list[Recording]) -> dict[str, Any]:
    """What a function of its own takes for the largest object, with a forest of the usual size."""
    folder = tmp_path_factory.mktemp("largest")
    trained = trained_on(recordings, TrainingSettings())
    packed = pack(trained.detector, trained.facts)
    (folder / "pointer.json").write_text(packed.pointer.to_json())
    (folder / MANIFEST_NAME).write_bytes(packed.manifest)
    (folder / FOREST_NAME).write_bytes(packed.forest)
    objects = [store(folder / name, make) for name, make in OBJECTS.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.largest", folder, *objects],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


OBJECTS: dict[str, Callable[[], Batch]] = {"first": first_of_it, "largest": largest}


def store(path: Path, make: Callable[[], Batch]) -> Path:
    """Write an object, and beside it the key that it belongs under."""
    batch = make()
    body = encode(batch)
    assert len(body) <= MAX_OBJECT_BYTES
    path.with_suffix(".parquet").write_bytes(body)
    path.write_text(batch.id.raw)
    return path


def test_the_largest_object_is_scored_as_a_whole(taken: dict[str, Any]) -> None:
    assert taken["outcome"] == "scored"
    assert taken["rows"] > MAX_ROWS - 1000
    assert taken["sensors"] == len(SENSOR_NAMES) == 28


def test_the_largest_object_fits_the_least_memory_that_may_be_chosen(
    taken: dict[str, Any],
) -> None:
    assert taken["peak_bytes"] < AT_MOST * least("function_memory_mb") * MB


def test_the_largest_object_fits_the_time_that_is_kept_for_it(taken: dict[str, Any]) -> None:
    assert taken["cpu_seconds"] < SLOWEST_CPU_SECONDS


def test_an_object_that_is_given_up_fits_the_time_that_is_kept() -> None:
    memory = least("function_memory_mb")
    assert slowest_seconds(memory) > TRIES * WALL_SECONDS
    assert decoder.CPU_SECONDS / (memory / MEGABYTES_OF_A_PROCESSOR) < WALL_SECONDS


@pytest.mark.parametrize("figure", [least, default])
def test_the_time_out_leaves_as_much_time_to_begin_objects_as_is_kept(
    figure: Callable[[str], int],
) -> None:
    memory, seconds = figure("function_memory_mb"), figure("function_timeout_seconds")
    assert seconds_to_keep(memory, seconds) == slowest_seconds(memory) <= seconds / 2


def test_an_object_within_its_bounds_fits_the_memory_of_what_reads_it() -> None:
    cells = MAX_ROWS * (len(READING_SCHEMA) + 1)
    assert cells * WIDEST_CELL_BYTES < MAX_UNPACKED_BYTES
    assert MAX_OBJECT_BYTES + MAX_UNPACKED_BYTES < decoder.MEMORY_BYTES


def test_an_object_that_starves_its_reader_fits_the_least_memory() -> None:
    at_rest = 256 * MB
    assert at_rest + MAX_OBJECT_BYTES + decoder.MEMORY_BYTES < least("function_memory_mb") * MB


def test_the_embedded_function_is_as_the_roots_default() -> None:
    assert default("function_memory_mb") == FUNCTION_MEMORY_MB
    assert default("function_timeout_seconds") == FUNCTION_TIMEOUT_SECONDS
