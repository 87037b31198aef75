"""Terraform's own tests, with a mocked provider: names, policies, filters, retention, refusals."""

import subprocess
from pathlib import Path

from deploy.embedded import process_environment
from deploy.terraform.process import find_program


def test_terraforms_own_tests_pass(root: Path) -> None:
    finished = subprocess.run(
        [find_program(), "test", "-no-color"],
        cwd=root, env=process_environment({}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "0 failed" in finished.stdout
