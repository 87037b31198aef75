"""The limits of a large field are read, published with the model, and read back from there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.upkeep.engineering_limits import read_limits
from petrostream.detection.engineering_limits import BOUNDS, Limit, Limits
from petrostream.documents import Bounds
from petrostream.errors import InvalidModel, UsageError
from petrostream.registry.model_files import MANIFEST_NAME, Model, pack
from petrostream.registry.models import ModelRegistry
from petrostream.schema.keys import model_key
from petrostream.schema.sensors import BY_NAME
from tests.support.memory import MemoryBucket

WELLS = 1_000


class OneParameter:
    """SSM with one parameter."""

    value = "{}"

    def get_parameter(self, **_: Any) -> Any:
        return {"Parameter": {"Value": self.value}}

    def put_parameter(self, **said: Any) -> None:
        self.value = said["Value"]


def table(wells: int) -> str:
    """Both ends for every sensor of every well, with all the digits that a number has."""
    ends = "{ low = -123456.78901234567, high = 12345678.901234567 }"
    return "".join(
        f"[wells.WELL-{well:05d}]\n" + "".join(f"{name} = {ends}\n" for name in BY_NAME)
        for well in range(wells)
    )


def test_a_thousand_wells_with_all_sensors_are_read_and_read_back(
    tmp_path: Path, model: Model
) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(table(WELLS))
    assert path.stat().st_size < BOUNDS.size
    limits = read_limits(path)
    assert limits.wells[f"WELL-{WELLS - 1:05d}"]["P-TPT"] == Limit(
        -123456.78901234567, 12345678.901234567
    )
    bucket: Any = MemoryBucket("models")
    client: Any = OneParameter()
    registry = ModelRegistry(bucket, "pointer", client)
    packed = pack(replace(model.detector, limits=limits), model.training)
    registry.publish(packed)
    assert registry.load(registry.pointer()).detector.limits == limits
    assert registry.manifest(packed.pointer.version) == packed.manifest


def test_larger_ones_are_refused_before_anything_is_published(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(table(2 * WELLS))
    with pytest.raises(UsageError, match=f"at most {BOUNDS.size} are read: limits stand in a TOML"):
        read_limits(path)


def test_a_manifest_that_could_not_be_read_back_is_not_published(model: Model) -> None:
    limit = {name: Limit(-123456.78901234567, 12345678.901234567) for name in BY_NAME}
    limits = Limits(wells={f"WELL-{well:05d}": limit for well in range(4 * WELLS)})
    packed = pack(replace(model.detector, limits=limits), {})
    assert len(packed.manifest) > Bounds().size
    bucket: Any = MemoryBucket("models")
    client: Any = OneParameter()
    registry = ModelRegistry(bucket, "pointer", client)
    with pytest.raises(InvalidModel, match="are read"):
        registry.publish(packed)
    assert not list(bucket.keys(model_key(packed.pointer.version, MANIFEST_NAME)))
