"""`project_up.sh` and `project_down.sh` for an AWS account, whose part the embedded AWS plays.

Docker is a program that puts a manifest into the registry; everything else is the real thing:
the same Terraform, interrupted half-way and run again, and taken down with versions, delete
markers and images in it.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from deploy.account import leftovers
from deploy.account.leftovers import Place
from petrostream.local.endpoint import ACCOUNT, REGION
from petrostream.local.endpoint import environment as aws_environment
from petrostream.settings import PROJECT_ROOT, variable
from tests.support.terraform import prepare_root

DOCKER = f"""#!{sys.executable}
import hashlib, json, os, sys
import boto3
said = sys.argv[1:]
with open(os.environ["DOCKER_LOG"], "a") as log:
    log.write(json.dumps(said) + "\\n")
if said[:2] == ["buildx", "inspect"]:
    print("Platforms: linux/amd64, linux/arm64")
if said[:1] == ["login"]:
    assert sys.stdin.read(), "no password came"
if said[:2] == ["buildx", "build"]:
    if os.environ.get("DOCKER_FAILS"):
        sys.exit("the network is down")
    repository, _, tag = said[said.index("--tag") + 1].rpartition(":")
    kind = "application/vnd.oci.image.manifest.v1+json"
    layer = dict(digest="sha256:" + hashlib.sha256(tag.encode()).hexdigest(), size=1)
    boto3.client("ecr").put_image(
        repositoryName=repository.partition("/")[2],
        imageTag=tag,
        imageManifest=json.dumps(dict(schemaVersion=2, mediaType=kind, layers=[layer])),
        imageManifestMediaType=kind,
    )
"""
PLACE = Place("petrostream", ACCOUNT, REGION)


@dataclass(frozen=True)
class Shell:
    """Runs the project's scripts as a user does, each on an account of its own."""

    folder: Path
    endpoint: str

    @property
    def root(self) -> Path:
        return self.folder / "infrastructure"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "TF_VAR_"))},
            **aws_environment(self.endpoint),
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "DOCKER_LOG": str(self.folder / "docker.log"),
            "TF_VAR_max_retries": "2",
            variable("state"): str(self.state),
        }

    def command(self, script: str, *options: str) -> list[str]:
        return [f"./{script}", *options, "--infrastructure", str(self.root)]

    def run(
        self, script: str, *options: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(script, *options),
            cwd=PROJECT_ROOT,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def interrupted(self, script: str, *options: str, at: str) -> tuple[int, str]:
        """Run a script and send Ctrl-C to it, as a terminal does, once a line has come."""
        with subprocess.Popen(
            self.command(script, *options),
            cwd=PROJECT_ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if at in line:
                    os.killpg(process.pid, signal.SIGINT)
                    break
            said.append(process.stdout.read())
        return process.returncode, "".join(said)

    def docker_calls(self) -> list[list[str]]:
        log = self.folder / "docker.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Terraform root; skips where Terraform can't be had."""
    folder = tmp_path_factory.mktemp("account")
    prepare_root(folder / "infrastructure")
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def account(prepared: Path) -> Iterator[Shell]:
    """An empty account."""
    with subprocess.Popen(
        [sys.executable, "-m", "petrostream.local.server"],
        cwd=PROJECT_ROOT,
        env={**os.environ, **aws_environment("")},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Shell(prepared, f"http://127.0.0.1:{int(process.stdout.readline())}")
        process.terminate()


@pytest.fixture
def shell(account: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The same, for a test: its own clients talk to that account too."""
    for name, value in aws_environment(account.endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return account


def left() -> set[str]:
    """Services that still have something of the project's."""
    found = leftovers.prove(PLACE, wait_seconds=0)
    assert not found.unseen
    return {leftover.service for leftover in found.leftovers}


def test_the_plan_alone_changes_nothing(shell: Shell) -> None:
    planned = shell.run("project_up.sh", "--plan")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert re.search(r"account   123456789012 as .*\(AWS_ENDPOINT_URL\)", planned.stdout)
    assert "at rest   10 wells" in planned.stdout
    assert re.search(r"plan      \d\d to create", planned.stdout)
    assert "the image is not built yet" in planned.stdout
    assert "aws_lambda_function.this will be created" in planned.stdout
    assert "nothing was changed: this was only the plan" in planned.stdout
    answer = json.loads(shell.run("project_up.sh", "--plan", "--json").stdout)
    assert (answer["target"], answer["region"], answer["applied"]) == ("aws", REGION, False)
    assert any(
        change["address"].endswith("aws_lambda_function.this") and change["action"] == "create"
        for change in answer["changes"]
    )
    assert left() == set() and not shell.state.exists() and shell.docker_calls() == []


def test_without_an_answer_nothing_is_made(shell: Shell) -> None:
    refused = shell.run("project_up.sh")
    assert refused.returncode == 2
    assert "nobody can be asked here: say --yes (make: YES=1)" in refused.stderr
    assert left() == set()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TF_VAR_allowed_account_ids": '["210987654321"]'}, "only 210987654321 may be changed"),
        ({"TF_VAR_alarm_email": "nobody"}, "alarm_email is an e-mail address"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS can't be reached"),
    ],
)
def test_what_can_be_foreseen_is_a_sentence(
    shell: Shell, variables: dict[str, str], reason: str
) -> None:
    failed = shell.run("project_up.sh", "--yes", **variables)
    assert failed.returncode == 2
    assert reason in failed.stderr and "Traceback" not in failed.stderr
    assert left() == set()


def test_an_up_that_failed_half_way_is_taken_down(shell: Shell) -> None:
    failed = shell.run("project_up.sh", "--yes", DOCKER_FAILS="1")
    assert failed.returncode == 1
    assert "docker could not build and push the image" in failed.stderr
    assert left() == {"ecr"} and not (shell.state / "aws.json").exists()
    down = shell.run("project_down.sh", "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "nothing is left that costs" in down.stdout
    assert left() == set()


@pytest.fixture(scope="module")
def stopped(account: Shell) -> tuple[int, str]:
    """The first `up`, interrupted while Terraform makes things."""
    (account.folder / "docker.log").unlink(missing_ok=True)
    return account.interrupted("project_up.sh", "--yes", at="aws_s3_bucket.this")


@pytest.fixture(scope="module")
def brought_up(
    account: Shell, stopped: tuple[int, str], wells: Path
) -> subprocess.CompletedProcess[str]:
    """The second `up`, which goes on from there."""
    return account.run("project_up.sh", "--yes", "--data", str(wells))


def test_an_interrupt_says_how_to_go_on(stopped: tuple[int, str]) -> None:
    code, said = stopped
    assert code == 130
    assert "`petrostream up --target aws` goes on" in said and "Traceback" not in said


def test_up_again_goes_on_builds_the_image_once_and_trains(
    shell: Shell, brought_up: subprocess.CompletedProcess[str]
) -> None:
    assert brought_up.returncode == 0, brought_up.stdout + brought_up.stderr
    assert "image     in the registry already" in brought_up.stdout
    assert "published model" in brought_up.stdout and "the platform is up" in brought_up.stdout
    calls = shell.docker_calls()
    builds = [call for call in calls if call[:2] == ["buildx", "build"]]
    assert len(builds) == 1  # for both runs
    assert "linux/arm64" in builds[0] and "--provenance=false" in builds[0]
    assert not any("password" in word and word != "--password-stdin" for c in calls for word in c)
    image = boto3.client("lambda").get_function(FunctionName="petrostream-scoring")["Code"]
    assert re.search(r"petrostream-scoring@sha256:[0-9a-f]{64}$", image["ImageUri"])
    assert left() == {
        "athena", "budgets", "cloudwatch", "ecr", "glue", "iam", "lambda", "logs", "s3", "sns",
        "sqs", "ssm",
    }  # fmt: skip


def test_the_stack_file_has_names_and_no_keys(
    shell: Shell, brought_up: subprocess.CompletedProcess[str]
) -> None:
    text = (shell.state / "aws.json").read_text()
    stack = json.loads(text)
    assert stack["environment"]["AWS_REGION"] == REGION
    assert stack["environment"]["PETROSTREAM_FUNCTION_NAME"] == "petrostream-scoring"
    assert "ACCESS_KEY" not in text and "TOKEN" not in text


def test_up_once_more_changes_nothing(
    shell: Shell, brought_up: subprocess.CompletedProcess[str]
) -> None:
    calls = len(shell.docker_calls())
    again = shell.run("project_up.sh")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "plan      nothing to change" in again.stdout
    assert "everything is as it should be: nothing was changed" in again.stdout
    assert len(shell.docker_calls()) == calls


def test_another_region_is_not_taken_for_the_same_platform(
    shell: Shell, brought_up: subprocess.CompletedProcess[str]
) -> None:
    elsewhere = shell.run("project_up.sh", "--yes", AWS_REGION="eu-west-1")
    assert elsewhere.returncode == 2
    assert "stands in region us-east-1, this run is for eu-west-1" in elsewhere.stderr


def test_single_steps_and_status_take_the_account(
    shell: Shell, brought_up: subprocess.CompletedProcess[str], wells: Path
) -> None:
    replay = subprocess.run(
        ["make", "--no-print-directory", "replay", "TARGET=aws", f"DATA={wells}", "LIMIT=1",
         "SPEED=max"],
        cwd=PROJECT_ROOT, env=shell.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert replay.returncode == 0, replay.stderr
    status = subprocess.run(
        ["make", "--no-print-directory", "status", "TARGET=aws"],
        cwd=PROJECT_ROOT, env=shell.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = dict(line.split(maxsplit=1) for line in status.stdout.splitlines())
    assert status.returncode == 0, status.stderr
    assert lines["account"] == f"{ACCOUNT} in {REGION}"
    assert lines["function"].startswith("active, ")
    assert lines["feeding"] == lines["retrying"] == "enabled"
    assert re.fullmatch(r"[0-9a-f]{12}", lines["model"])
    assert int(lines["queue"].split()[0]) > 1
    assert lines["retries"] == lines["dead"] == "0 waiting, 0 in flight"
    assert lines["last"] == "nothing has been scored yet"
    assert lines["alarms"] == "none of 8 rings"
    assert "USD of 10.00 this month" in lines["spent"]
    assert "not to be had" not in status.stdout
    facts = json.loads(
        subprocess.run(
            [sys.executable, "-m", "cli", "status", "--target=aws", "--json"],
            cwd=PROJECT_ROOT, env=shell.environment, capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    assert facts["account"] == {"id": ACCOUNT, "region": REGION}
    assert facts["model"] == lines["model"] and facts["queue"]["waiting"] > 1
    assert facts["dead"] == {"waiting": 0, "in_flight": 0} and facts["alarms"] == []
    assert facts["problems"] == []


def test_power_bi_gets_its_files(
    shell: Shell, brought_up: subprocess.CompletedProcess[str]
) -> None:
    written = subprocess.run(
        ["make", "--no-print-directory", "powerbi", "TARGET=aws"],
        cwd=PROJECT_ROOT, env=shell.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert written.returncode == 0, written.stderr
    dsn = (shell.state / "powerbi" / "petrostream-odbc.ini").read_text()
    assert f"S3OutputLocation=s3://petrostream-results-{ACCOUNT}-{REGION}/" in dsn


def test_down_leaves_nothing(shell: Shell, brought_up: subprocess.CompletedProcess[str]) -> None:
    """The last test: versions, delete markers and an unfinished upload are in the way."""
    s3 = boto3.client("s3")
    curated = f"petrostream-curated-{ACCOUNT}-{REGION}"
    for body in (b"1", b"2"):
        s3.put_object(Bucket=curated, Key="scored/x", Body=body)
    s3.delete_object(Bucket=curated, Key="scored/x")
    s3.create_multipart_upload(Bucket=curated, Key="scored/y")
    refused = shell.run("project_down.sh")
    assert refused.returncode == 2 and "say --yes (make: YES=1)" in refused.stderr
    assert f"{curated}: 3 objects, old versions counted" in refused.stdout
    down = shell.run("project_down.sh", "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    assert f"{curated}: 4 objects deleted" in down.stdout
    assert "nothing is left that costs" in down.stdout
    assert left() == set()
    assert not (shell.state / "aws.json").exists() and not (shell.state / "powerbi").exists()
    again = shell.run("project_down.sh", "--yes", "--json")
    assert again.returncode == 0 and "nothing to destroy" in again.stderr
    assert json.loads(again.stdout) == {
        "target": "aws", "destroyed": 0, "leftovers": [], "not_seen": [],
    }  # fmt: skip


def test_what_no_state_knows_is_shown_with_how_to_remove_it(shell: Shell) -> None:
    boto3.client("s3").create_bucket(Bucket=f"petrostream-raw-{ACCOUNT}-{REGION}")
    down = shell.run("project_down.sh", "--yes", "--wait", "0")
    assert down.returncode == 1
    assert f"LEFT: s3 petrostream-raw-{ACCOUNT}-{REGION}" in down.stdout
    assert "aws s3 rb" in down.stdout
    boto3.client("s3").delete_bucket(Bucket=f"petrostream-raw-{ACCOUNT}-{REGION}")
