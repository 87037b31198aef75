"""The published model's evaluation is read from one place; whatever stands there is no fault."""

import json
from dataclasses import dataclass

import pytest

from dashboard.views.accuracy.model_evaluation import Training, published
from petrostream.errors import ObjectMissing
from petrostream.evaluation.document import to_json
from petrostream.registry.model_files import Pointer
from tests.unit.petrostream.evaluation.test_document import EVALUATION


@dataclass
class Registry:
    """A registry with one model."""

    evaluation_body: bytes | None = None
    manifest_body: bytes | None = b"{}"

    def pointer(self) -> Pointer:
        return Pointer(EVALUATION.model_version, "0" * 64)

    def manifest(self, version: str) -> bytes:
        if self.manifest_body is None:
            raise ObjectMissing("it does not exist")
        return self.manifest_body

    def evaluation(self, version: str) -> bytes | None:
        assert version == EVALUATION.model_version
        return self.evaluation_body


def test_it_is_read_and_held_against_the_training_data() -> None:
    for digest, is_of_its_data in ((EVALUATION.data_sha256, True), ("0" * 64, False)):
        facts = {"recordings": 9, "windows": 400, "data_sha256": digest}
        manifest = json.dumps({"format": 2, "training": facts}).encode()
        found = published(Registry(to_json(EVALUATION), manifest))
        assert found.evaluation == EVALUATION
        assert found.training == Training(9, 400, digest)
        assert found.is_of_its_data is is_of_its_data
        assert not found.is_damaged


def test_none_is_no_damage() -> None:
    found = published(Registry())
    assert found.evaluation is None
    assert not found.is_damaged


def test_a_damaged_one_is_told() -> None:
    found = published(Registry(to_json(EVALUATION)[:100]))
    assert found.evaluation is None
    assert found.is_damaged


@pytest.mark.parametrize(
    "manifest",
    [None, b"", b"[]", b'{"training": []}', b'{"training": {"recordings": "9", "windows": null}}'],
)
def test_a_manifest_that_says_nothing_leaves_the_evaluation(manifest: bytes | None) -> None:
    found = published(Registry(to_json(EVALUATION), manifest))
    assert found.evaluation == EVALUATION
    assert found.training == Training()
