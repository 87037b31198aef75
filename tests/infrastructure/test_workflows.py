"""The workflows: none at once that deploy, nothing unseen, no credentials for what sets up."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from petrostream.settings import PROJECT_ROOT

GITHUB = PROJECT_ROOT / ".github"
NAMES = ("deploy.yml", "teardown.yml")


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / name).read_text())
    return found


def test_planning_applying_and_tearing_down_wait_for_each_other() -> None:
    for name in NAMES:
        found = workflow(name)
        assert found["concurrency"] == {"group": "deploy", "cancel-in-progress": False}, name
        assert not [job for job, one in found["jobs"].items() if "concurrency" in one], name


def test_packages_are_installed_before_there_are_credentials() -> None:
    jobs = [job for name in NAMES for job in workflow(name)["jobs"].values()]
    assert len(jobs) == 3
    for job in jobs:
        steps = [str(step.get("run") or step["uses"]) for step in job["steps"]]
        [credentials] = [at for at, step in enumerate(steps) if "configure-aws-cred" in step]
        assert "make setup" in steps[:credentials]


def test_the_plan_looks_first_whether_somebody_has_to_approve() -> None:
    plan = workflow("deploy.yml")["jobs"]["plan"]
    steps = [str(step.get("run") or step["uses"]) for step in plan["steps"]]
    assert ".github/check-approval.sh production" in steps[1]
    assert plan["permissions"]["actions"] == "read"
    assert workflow("deploy.yml")["jobs"]["apply"]["needs"] == "plan"


def test_the_round_on_the_second_emulator_is_run_on_a_schedule_and_nothing_in_it_is_skipped() -> (
    None
):
    found = workflow("second.yml")
    assert found[True]["schedule"], "YAML 1.1 reads `on` as true"
    [job] = found["jobs"].values()
    assert job["env"]["PETROSTREAM_TEST_REQUIRES"] == "terraform"
    assert job["steps"][-1] == {"run": "make test-second"}
    assert found["permissions"] == {"contents": "read"}
    assert not [step for step in job["steps"] if "configure-aws" in step.get("uses", "")]


@pytest.mark.parametrize(
    ("answer", "fails", "code", "said"),
    [
        ('{"protection_rules":[{"id":1,"type":"required_reviewers"}]}', False, 0, ""),
        ('{"protection_rules": []}', False, 1, "has no required reviewers"),
        ('{"protection_rules":[{"type":"branch_policy"}]}', False, 1, "has no required reviewers"),
        ("gh: Not Found (HTTP 404)", True, 1, "there is no environment 'production'"),
        ("gh: Forbidden (HTTP 403)", True, 0, "could not be looked up (gh: Forbidden (HTTP 403))"),
    ],
)
def test_an_environment_that_asks_nobody_is_a_sentence(
    tmp_path: Path, answer: str, fails: bool, code: int, said: str
) -> None:
    gh = tmp_path / "gh"
    out = ">&2; exit 1" if fails else ""
    gh.write_text(
        f"#!/bin/sh\n[ $2 = repos/o/r/environments/production ] && echo '{answer}' {out}\n"
    )
    gh.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_SERVER_URL": "https://github.com",
    }
    done = subprocess.run(
        [GITHUB / "check-approval.sh", "production"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout and bool(done.stdout) == bool(said)
    assert not said or "https://github.com/o/r/settings/environments" in done.stdout
