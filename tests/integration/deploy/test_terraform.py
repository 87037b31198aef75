"""Terraform as a process, on a root that needs neither provider nor network."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from deploy.root import FOLDER
from deploy.terraform.diagnosis import ProviderUnavailable, TerraformFailed
from deploy.terraform.process import Change, Terraform, installed_version
from petrostream.errors import UsageError
from petrostream.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from tests.conftest import Provisioned

INIT_OPTIONS = "TF_CLI_ARGS_init"
VARIABLES = """
variable "name" { default = "petrostream" }
variable "size" { type = number }
variable "ids" {
  type    = list(string)
  default = ["a", "b"]
}
variable "seconds" { default = 0 }
"""
ROOT = """
terraform {
  backend "local" {}
}
resource "terraform_data" "each" {
  for_each = toset(var.ids)
  input    = var.size
}
module "inner" {
  source = "./inner"
  seconds = var.seconds
}
output "name" { value = var.name }
output "map" { value = { region = "r" } }
"""
INNER = """
variable "seconds" { type = number }
resource "terraform_data" "only" {
  provisioner "local-exec" { command = "sleep ${var.seconds}" }
}
"""
GIVEN = {"size": 3}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    try:
        installed_version()
    except UsageError as error:
        pytest.skip(str(error))
    folder = tmp_path / "root"
    (folder / "inner").mkdir(parents=True)
    (folder / "variables.tf").write_text(VARIABLES)
    (folder / "main.tf").write_text(ROOT)
    (folder / "inner" / "main.tf").write_text(INNER)
    return folder


@pytest.fixture
def terraform(root: Path) -> Terraform:
    runner = Terraform(root)
    runner.init()
    return runner


def test_a_round(terraform: Terraform) -> None:
    assert terraform.outputs() == {} and terraform.resources() == []
    said: list[str] = []
    with terraform.plan(GIVEN) as plan:
        assert not plan.is_empty
        assert plan.changes == (
            Change("module.inner.terraform_data.only", "create"),
            Change('terraform_data.each["a"]', "create"),
            Change('terraform_data.each["b"]', "create"),
        )
        assert plan.summary() == "3 to create"
        assert 'terraform_data.each["a"] will be created' in terraform.describe(plan)
        terraform.apply(plan, said.append)
    assert not plan.path.exists()
    assert len(said) == 3 and 'terraform_data.each["a"] created (0 s)' in said
    assert terraform.outputs() == {"name": "petrostream", "map": {"region": "r"}}
    resources = {resource.address: resource for resource in terraform.resources()}
    assert sorted(resources) == [
        "module.inner.terraform_data.only",
        'terraform_data.each["a"]',
        'terraform_data.each["b"]',
    ]
    assert resources['terraform_data.each["a"]'].attributes["input"]["value"] == 3
    with terraform.plan(GIVEN) as plan:
        assert plan.is_empty and plan.summary() == "nothing to change"
    with terraform.plan({"size": 4, "ids": ["b"]}) as plan:
        assert plan.summary() == "1 to change, 1 to destroy"
        assert [change.destroys for change in plan.changes] == [True, False]
    assert terraform.destroy(GIVEN) == 3
    assert terraform.resources() == []


def test_variables_have_the_values_that_terraform_gives_them(
    terraform: Terraform, root: Path
) -> None:
    (root / "terraform.tfvars").write_text('name = "wells"\nsize = 7\n')
    assert terraform.variables(["name", "size", "ids"]) == {
        "name": "wells", "size": 7, "ids": ["a", "b"],
    }  # fmt: skip
    assert terraform.variables(["size"], {"size": 8}) == {"size": 8}


def test_a_targeted_plan_holds_the_target_alone(terraform: Terraform) -> None:
    with terraform.plan(GIVEN, targets=["module.inner"]) as plan:
        assert [change.address for change in plan.changes] == ["module.inner.terraform_data.only"]


def test_what_may_be_missing_does_not_stop_the_rest(root: Path) -> None:
    refused = 'provisioner "local-exec" { command = "exit 1" }'
    (root / "budget.tf").write_text(
        f'resource "terraform_data" "budget" {{\n  count = 1\n  {refused}\n}}\n'
    )
    terraform = Terraform(root)
    terraform.init()
    with terraform.plan(GIVEN) as plan:
        failed = terraform.apply(plan, optional=["terraform_data.budget"])
    assert [each.address for each in failed] == ["terraform_data.budget[0]"]
    made = {resource.address for resource in terraform.resources()}
    assert {"module.inner.terraform_data.only", 'terraform_data.each["a"]'} <= made
    assert terraform.outputs()["name"] == "petrostream"
    with terraform.plan(GIVEN) as again, pytest.raises(TerraformFailed, match="budget"):
        terraform.apply(again, optional=["terraform_data.each"])


def test_a_missing_variable_is_a_sentence(terraform: Terraform) -> None:
    with pytest.raises(UsageError, match="a variable of Terraform is missing"), terraform.plan({}):
        pass


def test_a_broken_configuration_is_shown_as_terraform_says_it(root: Path) -> None:
    (root / "main.tf").write_text("resource {")
    with pytest.raises(TerraformFailed, match="Terraform failed:\n"):
        Terraform(root).init()


def test_a_provider_that_can_not_be_had(root: Path) -> None:
    (root / "main.tf").write_text('provider "nobody" {}')
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:1", INIT_OPTIONS: ""}
    with pytest.raises(ProviderUnavailable, match="registry"):
        Terraform(root, environment).init()


def test_what_takes_too_long_is_ended(root: Path, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "terraform"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="not ready within"):
            Terraform(root).init(seconds=0.3)
    assert time.monotonic() - began < 10


def test_a_locked_state_says_who_and_how_to_unlock(terraform: Terraform, root: Path) -> None:
    with (
        terraform.plan({**GIVEN, "seconds": 5}) as plan,
        subprocess.Popen(
            ["terraform", "apply", "-input=false", str(plan.path)],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder,
    ):
        assert holder.stdout is not None
        assert any("Creating..." in line for line in holder.stdout)
        with (
            pytest.raises(UsageError, match=r"the state is locked.*force-unlock [0-9a-f-]{36}"),
            terraform.plan(GIVEN),
        ):
            pass
        holder.stdout.read()
    assert holder.returncode == 0


def test_the_example_of_a_state_in_s3_works_and_locks(
    root: Path, provisioned: "Provisioned"
) -> None:
    boto3.client("s3").create_bucket(Bucket="states")
    example = FOLDER / "backend_override.tf.example"
    (root / "backend_override.tf").write_text(example.read_text())
    options = "-backend-config=bucket=states -backend-config=region=us-east-1"
    given = f"{os.environ.get(INIT_OPTIONS, '')} {options}"
    terraform = Terraform(root, {**os.environ, INIT_OPTIONS: given})
    terraform.init()
    with terraform.plan(GIVEN) as plan:
        terraform.apply(plan)
    assert len(terraform.resources()) == 3 and not (root / "terraform.tfstate").exists()
    lock = {"ID": "00000000-0000-0000-0000-000000000001", "Operation": "apply", "Who": "x@y"}
    boto3.client("s3").put_object(
        Bucket="states", Key="petrostream/terraform.tfstate.tflock", Body=json.dumps(lock)
    )
    with (
        pytest.raises(UsageError, match=r"the state is locked.*force-unlock 0{8}-"),
        terraform.plan(GIVEN),
    ):
        pass
    assert terraform.variables(["name", "size"], {"size": 8}) == {"name": "petrostream", "size": 8}


def test_a_state_that_has_moved_is_explained(terraform: Terraform, root: Path) -> None:
    (root / "backend_override.tf").write_text(
        'terraform {\n  backend "local" {\n    path = "elsewhere.tfstate"\n  }\n}\n'
    )
    with pytest.raises(UsageError, match="init -migrate-state"):
        terraform.init()


SCRIPT = """
import sys
from pathlib import Path
from deploy.terraform.process import Terraform
runner = Terraform(Path(sys.argv[1]))
with runner.plan({"size": 1, "seconds": 4}) as plan:
    runner.apply(plan, lambda line: print(line, flush=True))
"""


def test_an_interrupt_lets_terraform_write_its_state(terraform: Terraform, root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "created" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    state = json.loads((root / "terraform.tfstate").read_text())
    assert state["resources"] and not (root / ".terraform.tfstate.lock.info").exists()
    with terraform.plan(GIVEN) as plan:
        terraform.apply(plan)
    assert len(terraform.resources()) == 3
