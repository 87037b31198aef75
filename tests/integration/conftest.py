"""What the integration tests share."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from petrostream.registry.model_files import PackedModel
from tests.support.once import once
from tests.support.pages import QUIET, WELL
from tests.support.pipeline import Scoring


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No test sees what another one's page has read."""
    if "streamlit" in sys.modules:
        sys.modules["streamlit"].cache_resource.clear()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What a command does about signals ends with the test that ran it in this process."""
    endings = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(ending) for ending in endings]
    yield
    for ending, handler in zip(endings, before, strict=True):
        signal.signal(ending, handler)


@pytest.fixture
def two_wells(
    provisioned, packed: PackedModel, wells: Path, tmp_path_factory: pytest.TempPathFactory
) -> Scoring:
    """Two wells, scored, one with anomalies."""
    scoring = Scoring(provisioned, packed)

    def make(folder: Path) -> None:
        scoring.score(scoring.replay(wells, [QUIET, WELL]))
        for key, body in provisioned.objects(provisioned.settings.curated_bucket).items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(body)

    kept = once(tmp_path_factory, "two-wells", make)
    for path in filter(Path.is_file, kept.rglob("*")):
        key = path.relative_to(kept).as_posix()
        provisioned.curated.put(key, path.read_bytes(), "application/octet-stream")
    return scoring
