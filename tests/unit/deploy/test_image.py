"""Which image the sources call for: one tag for one content, wherever it is checked out."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from deploy import image
from petrostream.settings import PROJECT_ROOT
from tests.support.emulator import build_context, lay_out

IN_THE_IMAGE = [
    "lambda/Dockerfile",
    "lambda/Dockerfile.dockerignore",
    "lambda/requirements.txt",
    "lambda/app.py",
    "petrostream/schema/sensors.py",
]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    lay_out(tmp_path / "task")
    return tmp_path / "task"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    root = tmp_path / "sources"
    for name in ("lambda", "petrostream"):
        shutil.copytree(PROJECT_ROOT / name, root / name)
    return root


def test_a_copy_calls_for_the_same_image(sources: Path) -> None:
    assert image.content_tag(sources) == image.content_tag()
    assert re.fullmatch(r"[0-9a-f]{64}", image.content_tag())


def test_neither_the_order_of_files_nor_their_times_and_modes_count(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = image.content_tag(sources)
    for path in (sources / "petrostream").rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o640)
    found = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: reversed([*found(self, pattern)]))
    assert image.content_tag(sources) == expected


@pytest.mark.parametrize("name", IN_THE_IMAGE)
def test_whatever_goes_into_the_image_counts(sources: Path, name: str) -> None:
    before = image.content_tag(sources)
    with (sources / name).open("a") as file:
        file.write("\n# changed\n")
    assert image.content_tag(sources) != before


@pytest.mark.parametrize("room", ["petrostream", "petrostream/scoring", "petrostream/new/deeper"])
def test_a_new_module_counts_and_so_does_a_file_under_another_name(
    sources: Path, room: str
) -> None:
    before = image.content_tag(sources)
    (sources / room).mkdir(parents=True, exist_ok=True)
    (sources / room / "new.py").write_text("")
    added = image.content_tag(sources)
    (sources / room / "new.py").rename(sources / room / "newer.py")
    assert len({before, added, image.content_tag(sources)}) == 3


def test_what_stays_outside_does_not_count(sources: Path) -> None:
    before = image.content_tag(sources)
    (sources / "petrostream" / "local" / "new.py").write_text("")
    (sources / "petrostream" / "__pycache__").mkdir(exist_ok=True)
    (sources / "petrostream" / "__pycache__" / "new.pyc").write_bytes(b"x")
    (sources / "lambda" / "requirements.in").write_text("")
    assert image.content_tag(sources) == before


def test_it_counts_all_that_the_dockerfile_takes(task: Path) -> None:
    dockerfile = (PROJECT_ROOT / image.DOCKERFILE).read_text()
    bound = set(re.findall(r"type=bind,source=([^,\s]+)", dockerfile))
    copied = {path.relative_to(task).as_posix() for path in task.rglob("*") if path.is_file()}
    copied = {"lambda/app.py" if name == "app.py" else name for name in copied}
    counted = {path.relative_to(PROJECT_ROOT).as_posix() for path in image.sources()}
    assert bound | copied == {path.as_posix() for path in build_context()}
    assert counted == bound | copied | {"lambda/Dockerfile", "lambda/Dockerfile.dockerignore"}


def test_a_stand_in_says_of_itself_that_it_is_one() -> None:
    manifest = json.loads(image.stand_in_manifest("tag"))
    assert "stand-in" in manifest["annotations"]["org.opencontainers.image.title"]
    assert image.stand_in_manifest("tag") != image.stand_in_manifest("other")


def test_the_registry_is_the_host_of_its_repositorys_address() -> None:
    url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/petrostream-scoring"
    assert image.Repository("petrostream-scoring", url).registry == url.partition("/")[0]
