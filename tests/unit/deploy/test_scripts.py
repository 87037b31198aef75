"""`make up` and `make down` hand their variables to `petrostream` as whole words."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from petrostream.settings import PROJECT_ROOT


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["up"], "up --target local --port 0 --provision auto"),
        (["up", "TARGET=aws", "PLAN=1"], "up --target aws --port 0 --provision auto --plan"),
        (
            ["up", "TARGET=aws", "YES=1", "PLAN=0", "DATA=a b's", "ARGS=--wells 3"],
            """up --target aws --port 0 --provision auto --yes --data "a b's" --wells 3""",
        ),
        (
            ["up", "PROVISION=python", "AWS_PORT=5000"],
            "up --target local --port 5000 --provision python",
        ),
        (["down", "TARGET=aws", "YES=no"], "down --target aws"),
        (["down", "YES=1"], "down --target local --yes"),
        (["status", "TARGET=aws"], "status --target aws"),
        (["powerbi", "TARGET=aws"], "powerbi --target aws"),
    ],
)
def test_variables(given: list[str], expected: str) -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv/ready", *given],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = shlex.split(shown.replace("\\\n", " "))
    assert words == ["exec", ".venv/bin/petrostream", *shlex.split(expected)]


def test_format_mends_a_line_that_is_too_long(tmp_path: Path) -> None:
    """Ruff's check can't, and ends there; its formatter can."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "ready").touch()
    (tmp_path / ".venv" / "bin" / "ruff").symlink_to(Path(sys.executable).with_name("ruff"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(PROJECT_ROOT / name, tmp_path)
    module = tmp_path / "long.py"
    words = ", ".join(f'"a word of a list that is long {number}"' for number in range(4))
    module.write_text(f'"""A list."""\nimport sys\n\nWORDS = [{words}, sys.argv]\n')
    finished = subprocess.run(
        ["make", "--assume-old=.venv/ready", "format"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert max(map(len, module.read_text().splitlines())) < 100
