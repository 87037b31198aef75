"""What the tests of the dashboard's pages share."""

import sys
from pathlib import Path

import pytest

from petrostream.registry.model_files import PackedModel
from tests.support.pages import QUIET, WELL
from tests.support.pipeline import Scoring


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No test sees what another one's page has read."""
    if "streamlit" in sys.modules:
        sys.modules["streamlit"].cache_resource.clear()


@pytest.fixture(scope="session")
def kept() -> dict[str, bytes]:
    """Two wells' curated objects, once a test has had them scored."""
    return {}


@pytest.fixture
def two_wells(provisioned, packed: PackedModel, wells: Path, kept: dict[str, bytes]) -> Scoring:
    """Two wells, scored, one with anomalies."""
    scoring = Scoring(provisioned, packed)
    if not kept:
        scoring.score(scoring.replay(wells, [QUIET, WELL]))
        kept |= provisioned.objects(provisioned.settings.curated_bucket)
    for key, body in kept.items():
        provisioned.curated.put(key, body, "application/octet-stream")
    return scoring
