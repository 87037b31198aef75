"""What is missing on the machine is said in a sentence, before anything is done."""

import json
import os
import stat
from pathlib import Path

import pytest

from deploy.account import preflight
from deploy.terraform import process
from petrostream.errors import UsageError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("text", "version"),
    [("1.11.4", (1, 11, 4)), ("v1.12.0", (1, 12, 0)), ("1.13.0-beta2", (1, 13, 0))],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert process.parse_version(text) == version


def put_terraform(folder: Path, version: str) -> None:
    put(folder, "terraform", f"echo '{json.dumps({'terraform_version': version})}'")


def test_no_terraform(programs: Path) -> None:
    with pytest.raises(UsageError, match=r"terraform is not installed: get 1\.11 or later from"):
        process.installed_version()


@pytest.mark.parametrize("version", ["1.10.5", "0.15.0"])
def test_a_terraform_too_old(programs: Path, version: str) -> None:
    put_terraform(programs, version)
    with pytest.raises(UsageError, match=rf"terraform {version} is too old, 1\.11 is needed"):
        process.installed_version()


@pytest.mark.parametrize("version", ["1.11.0", "1.14.2", "2.0.0"])
def test_a_terraform_that_will_do(programs: Path, version: str) -> None:
    put_terraform(programs, version)
    assert process.installed_version() == process.parse_version(version)


@pytest.mark.parametrize("body", ["exit 1", "echo nonsense", "echo {}"])
def test_a_terraform_that_does_not_run(programs: Path, body: str) -> None:
    put(programs, "terraform", body)
    with pytest.raises(UsageError, match="can't be run"):
        process.installed_version()


DOCKER = """
case "$1 $2" in
  "info "*) {info} ;;
  "buildx version") {buildx} ;;
  "buildx inspect") echo "Platforms: linux/amd64{arm}, linux/386" ;;
esac
"""


@pytest.mark.parametrize(
    ("info", "buildx", "arm", "problem"),
    [
        ("exit 1", "", ", linux/arm64", "docker does not run"),
        ("", "exit 1", ", linux/arm64", "docker lacks buildx"),
        ("", "", "", "can't build for linux/arm64 here: run `docker run"),
    ],
)
def test_a_docker_that_can_not_build(
    programs: Path, info: str, buildx: str, arm: str, problem: str
) -> None:
    put(programs, "docker", DOCKER.format(info=info or ":", buildx=buildx or ":", arm=arm))
    with pytest.raises(UsageError, match=problem):
        preflight.check_docker()


def test_a_docker_that_can(programs: Path) -> None:
    put(programs, "docker", DOCKER.format(info=":", buildx=":", arm="*, linux/arm64"))
    preflight.check_docker()


def test_no_docker(programs: Path) -> None:
    with pytest.raises(UsageError, match="docker is not installed"):
        preflight.check_docker()


def test_all_that_is_missing_is_said_at_once(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(UsageError) as caught:
        preflight.check()
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "terraform is not installed" in lines[0]
    assert "there are no AWS credentials" in lines[1]
    assert "docker is not installed" in lines[2]
