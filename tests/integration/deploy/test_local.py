"""`make up` on this machine without Terraform; with it, see tests/infrastructure."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import copy_root, process_environment
from petrostream.local import stack
from petrostream.settings import PROJECT_ROOT, read_stack, state_folder


@pytest.fixture
def clean_up() -> Iterator[None]:
    yield
    stack.down()


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_python_provisions_where_there_is_no_terraform(tmp_path: Path, clean_up: None) -> None:
    up = run(tmp_path, "up")
    assert up.returncode == 0, up.stderr
    first, *rest = up.stdout.splitlines()
    assert "with Python instead of Terraform: terraform is not installed" in first
    assert "the embedded AWS is up at http://127.0.0.1:" in rest[0]
    status = run(tmp_path, "status")
    assert "worker     running" in status.stdout
    assert "last       nothing has been scored yet" in status.stdout
    again = run(tmp_path, "up")
    assert again.returncode == 0 and "the embedded AWS is up already at" in again.stdout
    other = run(tmp_path, "up", "--provision=terraform")
    assert other.returncode == 2 and "made by python, not by terraform" in other.stderr
    down = run(tmp_path, "down")
    assert (down.returncode, down.stdout) == (0, "the stack is down\n")
    assert not state_folder().exists()


def test_programs_read_how_it_is(tmp_path: Path, clean_up: None) -> None:
    up = run(tmp_path, "up", "--provision=python", "--json")
    made, found = json.loads(up.stdout), read_stack() or {}
    assert made["environment"] == found["environment"]
    assert "the embedded AWS is up at" in up.stderr
    again = run(tmp_path, "up", "--provision=python", "--json")
    assert json.loads(again.stdout) == {**made, "was_up": True} and made["was_up"] is False
    status = json.loads(run(tmp_path, "status", "--json").stdout)
    assert status["is_up"] and status["endpoint"] == made["endpoint"]
    assert status["worker"]["is_running"] and status["dead"] == 0
    assert status["queue"].keys() == {"waiting", "in_flight"}
    assert status["batches"] == {"uploaded": 0, "scored": 0, "quarantined": 0}
    assert status["model"] is None
    [problem] = status["problems"]
    assert problem.startswith("model: no model is published yet")
    for was_up in (True, False):
        down = json.loads(run(tmp_path, "down", "--json").stdout)
        assert down == {"target": "local", "was_up": was_up}
    assert not json.loads(run(tmp_path, "status", "--json").stdout)["is_up"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["up", "--provision", "terraform"], "terraform is not installed"),
        (["up", "--provision", "magic"], "--provision is one of auto, terraform, python"),
        (["up", "--plan"], "there is a plan for --target aws only"),
        (["up", "--slots", "0"], "--slots takes a whole number above 0"),
        (["status", "--target", "mars"], "--target is local or aws, not 'mars' (`"),
        (["powerbi"], "Power BI reads from an account"),
        (["powerbi", "--target", "aws"], "nothing is up on AWS"),
        (["up", "--target", "aws", "--wells", "-1"], "--wells takes a whole number from 0 on"),
        (["up", "--target", "aws", "--data", "/nowhere"], "there is no folder /nowhere"),
    ],
)
def test_what_can_not_be_done_is_a_sentence_and_code_2(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    result = run(tmp_path, *arguments)
    assert result.returncode == 2
    assert reason in result.stderr and "Traceback" not in result.stderr
    assert read_stack() is None and not state_folder().exists()


def test_the_copy_leaves_the_users_own_platform_out(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "modules" / "queue").mkdir(parents=True)
    (source / ".terraform").mkdir()
    kept = [
        "main.tf",
        "modules/queue/main.tf",
        ".terraform.lock.hcl",
        "backend_override.tf.example",
    ]
    private = [
        "terraform.tfvars", "more.auto.tfvars", "more.tfvars.json", "backend_override.tf",
        "override.tf", "terraform.tfstate", "terraform.tfstate.backup", ".terraform/plugin",
    ]  # fmt: skip
    for name in (*kept, *private):
        (source / name).touch()
    copy_root(source, target)
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == set(kept)


def test_nothing_of_the_users_account_reaches_terraform_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("TF_VAR_name", "production")
    monkeypatch.setenv("TF_PLUGIN_CACHE_DIR", "/cache")
    found = process_environment({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert {name for name in found if name.startswith(("AWS_", "TF_VAR_"))} == {
        "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    }  # fmt: skip
    assert found["AWS_CONFIG_FILE"] == os.devnull
    assert found["TF_PLUGIN_CACHE_DIR"] == "/cache"
