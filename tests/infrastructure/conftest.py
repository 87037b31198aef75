"""The whole Terraform root, applied to an embedded AWS as a user does it: `make up`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.embedded import process_environment
from deploy.terraform.process import Terraform
from petrostream.aws import clients
from petrostream.aws.buckets import Bucket
from petrostream.settings import PROJECT_ROOT, Settings, read_stack, variable
from tests.support.terraform import prepare_root


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Terraform root, ready to run; skips where Terraform can't be had."""
    folder = tmp_path_factory.mktemp("root") / "infrastructure"
    prepare_root(folder)
    return folder


@dataclass(frozen=True)
class Terraformed:
    """An embedded AWS that Terraform provisioned, with its worker."""

    stack: dict[str, Any]
    state: Path
    alarms: list[dict[str, Any]]
    """As they stand at first: the last test of the round destroys everything."""

    @property
    def environment(self) -> dict[str, str]:
        return self.stack["environment"]

    @property
    def outputs(self) -> dict[str, Any]:
        return self.stack["outputs"]

    @property
    def settings(self) -> Settings:
        return Settings.load(environment=self.environment)

    @property
    def terraform(self) -> Terraform:
        return Terraform(self.state / "terraform", process_environment(self.environment))

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def bucket(self, kind: str) -> Bucket:
        return Bucket(getattr(self.settings, f"{kind}_bucket"), clients.s3())


@pytest.fixture(scope="session")
def session_stack(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraformed]:
    """`make up` with Terraform, then `make down`."""
    state = tmp_path_factory.mktemp("terraformed")
    environment = {**os.environ, variable("state"): str(state)}
    run = [sys.executable, "-m", "deploy"]
    up = subprocess.run(
        [*run, "up", "--provision", "terraform"],
        cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert up.returncode == 0, up.stdout + up.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable("state"), str(state))
        stack = read_stack()
    assert stack is not None
    yield Terraformed(stack, state, alarms_of(stack["environment"]))
    subprocess.run([*run, "down"], cwd=PROJECT_ROOT, env=environment, check=True)
    shutil.rmtree(state, ignore_errors=True)


def alarms_of(environment: dict[str, str]) -> list[dict[str, Any]]:
    """CloudWatch's alarms of a stack."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        found = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return [dict(each) for each in found]


@pytest.fixture
def terraformed(session_stack: Terraformed, monkeypatch: pytest.MonkeyPatch) -> Terraformed:
    """The same, for a test: its environment points there."""
    session_stack.use(monkeypatch)
    return session_stack
