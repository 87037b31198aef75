"""Shared fixtures: the embedded AWS, a trained model, made-up and real recordings."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from ml.training.fit import TrainingSettings
from petrostream.aws.buckets import Bucket
from petrostream.ingest.recordings import Recording, find_recordings, read_recordings
from petrostream.local.endpoint import FAKE_CREDENTIALS
from petrostream.local.endpoint import environment as aws_environment
from petrostream.local.resources import Clients, provision
from petrostream.registry.model_files import (
    FOREST_NAME,
    MANIFEST_NAME,
    Model,
    PackedModel,
    Pointer,
    pack,
    unpack,
)
from petrostream.registry.models import ModelRegistry
from petrostream.settings import PROJECT_ROOT, Settings, variable
from producer.synthesise import synthesise, write
from tests.support.once import once
from tests.support.training import trained_on

hypothesis_settings.register_profile(
    "petrostream",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("petrostream")

REAL_DATA = Path(os.environ.get("PETROSTREAM_TEST_DATA", PROJECT_ROOT.parent / "shared" / "data"))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: much of the time a test waits for processes of its own."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the caller's AWS, settings or stack."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PETROSTREAM_")):
            monkeypatch.delenv(name)
    for name, value in FAKE_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(variable("state"), str(tmp_path / "state"))
    monkeypatch.setenv(variable("cache"), str(tmp_path / "cache"))
    # AppTest leaves a page as the main module, and a spawned process would run it first
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The embedded AWS in a process of its own; gives its endpoint."""
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.server"],
        cwd=PROJECT_ROOT,
        env={**os.environ, **FAKE_CREDENTIALS},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@dataclass(frozen=True)
class Provisioned:
    """A freshly provisioned embedded AWS."""

    settings: Settings
    clients: Clients
    environment: dict[str, str]

    @property
    def raw(self) -> Bucket:
        return Bucket(self.settings.raw_bucket, self.clients.s3)

    @property
    def curated(self) -> Bucket:
        return Bucket(self.settings.curated_bucket, self.clients.s3)

    @property
    def models(self) -> Bucket:
        return Bucket(self.settings.models_bucket, self.clients.s3)

    @property
    def registry(self) -> ModelRegistry:
        return ModelRegistry(self.models, self.settings.model_parameter, self.clients.ssm)

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """All objects of a bucket, by key."""
        place = Bucket(bucket, self.clients.s3)
        return {key: place.get(key, at_most=2**30).body for key in place.keys(prefix)}


@pytest.fixture
def provisioned(server: str, monkeypatch: pytest.MonkeyPatch) -> Provisioned:
    """An empty embedded AWS with every resource in place; the environment points to it."""
    request = urllib.request.Request(f"{server}/moto-api/reset", method="POST")
    urllib.request.urlopen(request).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    clients = Clients.connect()
    settings = provision(clients)
    environment = {**aws_environment(server), **settings.to_environment()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Provisioned(settings, clients, environment)


@pytest.fixture(scope="session")
def wells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of made-up wells: the default set, shorter."""

    def make(folder: Path) -> None:
        write(synthesise(seed=7, wells=6, hours=2.0), folder)

    return once(tmp_path_factory, "wells", make)


@pytest.fixture(scope="session")
def recordings(wells: Path) -> list[Recording]:
    """The made-up wells' recordings."""
    return list(read_recordings(find_recordings(wells)[0], []))


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> PackedModel:
    """A model trained on the made-up wells."""

    def make(folder: Path) -> None:
        recordings = request.getfixturevalue("recordings")
        trained = trained_on(recordings, TrainingSettings(trees=20))
        made = pack(trained.detector, trained.facts)
        (folder / "pointer.json").write_text(made.pointer.to_json())
        (folder / MANIFEST_NAME).write_bytes(made.manifest)
        (folder / FOREST_NAME).write_bytes(made.forest)

    folder = once(tmp_path_factory, "model", make)
    return PackedModel(
        Pointer.from_json((folder / "pointer.json").read_text()),
        (folder / MANIFEST_NAME).read_bytes(),
        (folder / FOREST_NAME).read_bytes(),
    )


@pytest.fixture(scope="session")
def model(packed: PackedModel) -> Model:
    """The same, ready to score."""
    return unpack(packed.pointer, packed.manifest, packed.forest)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real 3W recordings; skips where they are not on the machine."""
    if not (REAL_DATA / "3w-v1").is_dir():
        pytest.skip(f"no real 3W data in {REAL_DATA}; name a folder in PETROSTREAM_TEST_DATA")
    return REAL_DATA
