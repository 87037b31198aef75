"""The Terraform root on MiniStack, made and taken away by the roles that are meant to."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy import down, up
from deploy.down import DownOptions
from deploy.embedded import copy_root, process_environment
from deploy.image import StandInBuilder
from deploy.root import FOLDER
from deploy.terraform.process import Terraform
from deploy.up import UpOptions
from petrostream.aws.buckets import Bucket
from petrostream.settings import Settings, variable
from tests.second._emulator import PYTHON, Caller, MiniStack, running
from tests.support.terraform import prepare_root

REPOSITORY, OWNER_ID, REPOSITORY_ID = "acme/wells", 11, 22
SUBJECT = f"repo:acme@{OWNER_ID}/wells@{REPOSITORY_ID}"
"""What GitHub calls the repository that deploys."""

_INIT = "TF_CLI_ARGS_init"
_CACHE = "TF_PLUGIN_CACHE_DIR"


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """An empty MiniStack."""
    if not PYTHON.exists():
        pytest.fail("MiniStack is not installed: `make test-second` does so")
    with running(tmp_path_factory.mktemp("ministack")) as stack:
        yield stack


@dataclass(frozen=True)
class Platform:
    """Where the root is applied from, what its workflows have, and what it gave."""

    ministack: MiniStack
    folder: Path
    state: Path
    variables: dict[str, str]

    def workflow(self, role: str, subject: str) -> Caller:
        """A workflow that has taken `plan` or `deploy`."""
        return self.ministack.workflow(self.variables[f"AWS_{role.upper()}_ROLE"], subject)

    @property
    def plans(self) -> Caller:
        """The job that plans."""
        return self.workflow("plan", f"{SUBJECT}:ref:refs/heads/main")

    @property
    def deploys(self) -> Caller:
        """The job that applies, once approved."""
        return self.workflow("deploy", f"{SUBJECT}:environment:production")

    def terraform(self, caller: Caller) -> Terraform:
        """Terraform as somebody runs it."""
        return Terraform(self.folder, {**os.environ, **caller.environment, **self._of_terraform()})

    def use(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process deploy as somebody, as the workflows set it up."""
        others = {variable("state"): str(self.state), **self._of_terraform()}
        caller.use(monkeypatch, others)

    def up(self, *, only_plan: bool = False, data: Path | None = None) -> Mapping[str, Any]:
        """`petrostream up --target aws`, with a stand-in for the image; gives its facts."""
        options = UpOptions(self.folder, only_plan=only_plan, assume_yes=not only_plan, data=data)
        answer = up.run(options, StandInBuilder())
        assert answer.code == 0
        return answer.facts

    def down(self) -> Mapping[str, Any]:
        """`petrostream down --target aws`."""
        answer = down.run(DownOptions(self.folder, assume_yes=True, wait_seconds=0))
        assert answer.code == 0, answer.facts
        return answer.facts

    @property
    def stack(self) -> dict[str, Any]:
        """What `up` wrote down."""
        found: dict[str, Any] = json.loads((self.state / "aws.json").read_text())
        return found

    @property
    def names(self) -> dict[str, str]:
        """The variables that the other commands read."""
        return dict(self.stack["environment"])

    @property
    def settings(self) -> Settings:
        return Settings.load(environment=self.names)

    @property
    def policies(self) -> dict[str, str]:
        """The policies on offer, by who should hold them."""
        return dict(self.stack["outputs"]["policies"])

    def user(self, name: str, *policies: str) -> Caller:
        """A user who holds the policies on offer to these."""
        return self.ministack.user(name, *(self.policies[policy] for policy in policies))

    def bucket(self, kind: str, caller: Caller | None = None) -> Bucket:
        """A bucket of the platform, as somebody sees it; nobody named: as it is."""
        name = getattr(self.settings, f"{kind}_bucket")
        return Bucket(name, (caller or self.ministack.root).client("s3"))

    def _of_terraform(self) -> dict[str, str]:
        given = process_environment({})
        place = f"-backend-config=bucket={self.variables['TF_STATE_BUCKET']}"
        region = f"-backend-config=region={self.variables['AWS_REGION']}"
        own = {_INIT: " ".join([given.get(_INIT, ""), place, region]).strip()}
        return own | {name: given[name] for name in (_CACHE,) if name in given}


@pytest.fixture(scope="session")
def platform(ministack: MiniStack, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """What has to be there before a workflow can deploy; the root itself is not applied yet."""
    folder = tmp_path_factory.mktemp("second")
    root = folder / "infrastructure"
    prepare_root(root)  # skips where the provider can't be had
    shutil.rmtree(root)
    copy_root(FOLDER, root)
    example = root / "backend_override.tf.example"
    shutil.copy(example, root / "backend_override.tf")
    return Platform(ministack, root, folder / "state", _bootstrapped(ministack, root / "bootstrap"))


def _bootstrapped(ministack: MiniStack, folder: Path) -> dict[str, str]:
    """Apply `bootstrap` as an administrator does, once; gives the repository's variables."""
    terraform = Terraform(folder, process_environment(ministack.root.environment))
    terraform.init()
    given = {
        "repository": REPOSITORY,
        "repository_ids": {"owner": OWNER_ID, "repository": REPOSITORY_ID},
    }
    with terraform.plan(given) as plan:
        terraform.apply(plan)
    return {name: str(value) for name, value in terraform.outputs()["variables"].items()}
