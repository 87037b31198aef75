"""A damaged model is refused in a sentence, whatever is damaged, and the one in memory goes on."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from petrostream.detection.isolation_forest import Forest, load
from petrostream.errors import InvalidModel
from petrostream.ingest.batches import LOOKBACK_SECONDS
from petrostream.registry.model_files import (
    Model,
    PackedModel,
    Pointer,
    pack,
    sha256,
    unpack,
)
from petrostream.registry.models import CurrentModel, ModelRegistry
from petrostream.schema.keys import model_key
from tests.support.memory import MemoryBucket

HUGE = 10**400
SETTINGS: dict[str, list[Any]] = {
    "step_seconds": [0, 5.5, True, 10**30],
    "window_seconds": [1.5, None],
    "frozen_seconds": ["x", None, -5, 0],
    "alarm_seconds": [-1, 0, "60"],
    "merge_gap_seconds": [None, -10, float("inf")],
    "forest_weight": ["x", float("nan"), None, -1],
    "windows": [[], None, [60.5], [60, "x"], [10**30], [180, 60]],
}
MANIFEST: dict[str, list[Any]] = {
    "threshold": [HUGE, "x", [], None, -1],
    "drift_exponent": [HUGE, "x", None],
    "drift": [{"P-TPT": HUGE}, [], {"P-TPT": "x"}],
    "floor": [[], 5, [HUGE] * 3, None],
    "limits": [[], 5, {"wells": []}, {"wells": {"a": {"P-TPT": {"low": HUGE}}}}],
    "training": [5, None, [1]],
}
TEXTS = {"deep": b"[" * 200_000, "binary": b"\xff\xfe", "number": b'{"format": ' + b"9" * 6000}


def damaged_forests(forest: bytes) -> Iterator[tuple[str, bytes]]:
    sound = load(forest)
    for name, value in (
        ("depth", np.array([1, 2])),
        ("max_samples", np.inf),
        ("max_samples", np.nan),
        ("n_features", np.array("x")),
        ("threshold", sound.threshold.astype("U8")),
        ("threshold", np.full_like(sound.threshold, np.nan)),
        ("threshold", sound.threshold.astype(complex)),
        ("path_length", sound.path_length.astype("U8")),
        ("path_length", sound.path_length.astype(complex)),
        ("path_length", sound.path_length.astype("datetime64[s]")),
        ("roots", np.array(0)),
        ("feature", sound.feature.astype(float)),
    ):
        yield f"{name} {value!r:.20}", written(sound, **{name: value})
    yield "empty", b""
    yield "half", forest[: len(forest) // 2]
    yield "no array", b"\x93NUMPY\x01\x00v\x00{"
    packed = bytearray(written(sound, compression=zipfile.ZIP_DEFLATED))
    packed[300:500] = bytes(200)
    yield "compressed", bytes(packed)


def written(forest: Forest, *, compression: int = zipfile.ZIP_STORED, **changed: Any) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for each in fields(forest):
            entry = io.BytesIO()
            value = changed.get(each.name, getattr(forest, each.name))
            np.lib.format.write_array(entry, np.asarray(value), allow_pickle=False)
            archive.writestr(f"{each.name}.npy", entry.getvalue())
    return sink.getvalue()


def damaged(packed: PackedModel) -> Iterator[tuple[str, PackedModel]]:
    """Every kind of damage, with hashes that fit it: it was published so."""
    content = json.loads(packed.manifest)
    contents = [
        (f"{name} {value!r:.20}", {**content, "settings": {**content["settings"], name: value}})
        for name, values in SETTINGS.items()
        for value in values
    ] + [
        (f"{name} {value!r:.20}", {**content, name: value})
        for name, values in MANIFEST.items()
        for value in values
    ]
    texts = [(name, json.dumps(each).encode()) for name, each in contents] + list(TEXTS.items())
    for name, text in texts:
        yield name, pointed(packed, text, packed.forest)
    for name, forest in damaged_forests(packed.forest):
        text = json.dumps({**content, "forest_sha256": sha256(forest)}).encode()
        yield name, pointed(packed, text, forest)


def pointed(packed: PackedModel, manifest: bytes, forest: bytes) -> PackedModel:
    return PackedModel(Pointer(packed.pointer.version, sha256(manifest)), manifest, forest)


class Parameters:
    """The pointer's parameter."""

    def __init__(self) -> None:
        self.value = ""

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": self.value}}

    def put_parameter(self, **said: Any) -> None:
        self.value = said["Value"]


@pytest.fixture
def registry() -> ModelRegistry:
    bucket: Any = MemoryBucket("models")
    client: Any = Parameters()
    return ModelRegistry(bucket, "pointer", client)


def put(registry: ModelRegistry, packed: PackedModel) -> None:
    """Publish without any check, as an older version or a slip of the hand does."""
    for name, body in (("model.json", packed.manifest), ("forest.npz", packed.forest)):
        registry._bucket.put(model_key(packed.pointer.version, name), body, "")
    registry.move(packed.pointer)


def test_every_damage_is_refused_in_a_sentence_and_not_published(
    packed: PackedModel, registry: ModelRegistry
) -> None:
    for name, broken in damaged(packed):
        with pytest.raises(InvalidModel) as refused:
            unpack(broken.pointer, broken.manifest, broken.forest)
        assert len(str(refused.value)) > 20, name
        with pytest.raises(InvalidModel):
            registry.publish(broken)
    assert list(registry._bucket.keys("")) == []


def test_a_warm_function_goes_on_whatever_is_published_and_recovers(
    packed: PackedModel, model: Model, registry: ModelRegistry
) -> None:
    now = SimpleNamespace(seconds=0.0)
    problems: list[str] = []
    current = CurrentModel(registry, clock=lambda: now.seconds, on_problem=problems.append)
    registry.publish(packed)
    assert current.get().version == packed.pointer.version
    pointers = ["", "[" * 200_000, "{}", "null", '{"format": 99}', "latest"]
    for number, broken in enumerate([*(each for _, each in damaged(packed)), *pointers], 1):
        if isinstance(broken, PackedModel):
            put(registry, replace(broken, pointer=replace(broken.pointer, version="damaged")))
        else:
            registry._ssm.put_parameter(Name="pointer", Value=broken)
        now.seconds += 60
        assert current.get().version == packed.pointer.version
        assert len(problems) == number
        assert "goes on" in problems[-1]
    better = pack(replace(model.detector, threshold=2 * model.detector.threshold), {})
    registry.publish(better)
    now.seconds += 60
    assert current.get().version == better.pointer.version
    assert len(problems) == number


def test_a_model_that_looks_back_further_than_batches_do_is_refused(
    packed: PackedModel, model: Model, registry: ModelRegistry
) -> None:
    """Each batch would be refused for it, and set aside for good."""
    settings = replace(model.detector.settings, windows=(60, LOOKBACK_SECONDS))
    long = pack(replace(model.detector, settings=settings), {})
    registry.publish(packed)
    with pytest.raises(InvalidModel, match=f"batches carry {LOOKBACK_SECONDS} s"):
        registry.publish(long)
    assert registry.pointer() == packed.pointer
    put(registry, long)
    with pytest.raises(InvalidModel, match="lookback"):
        CurrentModel(registry).get()
