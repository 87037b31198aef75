"""What goes into the container image: pinned wheels for Lambda, and all the code it imports."""

import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from petrostream.settings import PROJECT_ROOT
from tests.support.emulator import (
    BINARY,
    CLIENT,
    ENVIRONMENT,
    HEAVY,
    PACKAGES,
    Unavailable,
    handler_name,
    install,
    lay_out,
    modules_of_handler,
)

DEVELOPMENT = PROJECT_ROOT / "requirements" / "dev.txt"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
PIN = re.compile(rf"(?P<name>{NAME})==(?P<version>[^ ;]+)(?P<marker> ; [^\\]+)?(?P<hashes>.*)")
HASH = re.compile(r" --hash=sha256:[0-9a-f]{64}")
ISOLATED = (sys.executable, "-S")
WITH_PACKAGES = {**ENVIRONMENT, "PYTHONPATH": sysconfig.get_path("purelib")}
"""All that is installed can be imported, but not the project, which is installed in place."""


def requirements(file: Path) -> list[str]:
    """The lines of a requirement file, each in one piece and without comments."""
    joined = file.read_text().replace("\\\n", "")
    lines = (re.sub(r"(^|\s)#.*", "", line).rstrip() for line in joined.splitlines())
    return [re.sub(r"\s+", " ", line) for line in lines if line.strip()]


def versions(file: Path) -> dict[str, set[str]]:
    """The versions that a lock file gives each package; more than one where markers decide."""
    found: dict[str, set[str]] = {}
    for line in requirements(file):
        pin = PIN.match(line)
        assert pin, f"{file.name}: {line[:80]!r} is not a pinned version"
        found.setdefault(pin["name"], set()).add(pin["version"])
    return found


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    lay_out(folder)
    return folder


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """A folder that goes at once: pytest keeps its own, and this one holds an image's packages."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("file", [PACKAGES, CLIENT, BINARY], ids=lambda file: file.name)
def test_every_package_is_pinned_by_version_and_hash_from_no_named_index(file: Path) -> None:
    lines = requirements(file)
    assert lines
    for line in lines:
        pin = PIN.fullmatch(line)
        assert pin, f"{line[:80]!r} is not a pinned version"
        assert pin["hashes"]
        assert not HASH.sub("", pin["hashes"]), f"{pin['name']} has something besides hashes"


def test_the_image_has_the_versions_that_are_tested() -> None:
    tested = versions(DEVELOPMENT)
    for name, found in versions(PACKAGES).items():
        assert found == tested[name], name


def test_the_runtime_client_agrees_with_the_image() -> None:
    packages, client = versions(PACKAGES), versions(CLIENT)
    shared = packages.keys() & client.keys()
    assert {name: client[name] for name in shared} == {name: packages[name] for name in shared}


@pytest.mark.parametrize("file", [PACKAGES, CLIENT, BINARY], ids=lambda file: file.name)
def test_whatever_is_asked_for_is_locked(file: Path) -> None:
    locked = versions(file)
    for line in requirements(file.with_suffix(".in")):
        name, _, version = line.partition("==")
        assert name in locked
        assert {version} in ({""}, locked[name])


@pytest.mark.parametrize("architecture", ["aarch64", "x86_64"])
def test_the_packages_install_for_lambda(architecture: str, empty_folder: Path) -> None:
    """Amazon Linux 2023, which the image builds on, has glibc 2.34."""
    try:
        install(
            *("--target", empty_folder, "--requirement", PACKAGES),
            *("--python-version", "3.12"),
            *("--python-platform", f"{architecture}-manylinux_2_28"),
        )
    except Unavailable as error:
        pytest.skip(str(error))
    built_for = f"*.cpython-312-{architecture}-linux-gnu.so"
    assert list((empty_folder / "pyarrow").glob(built_for))
    assert list((empty_folder / "numpy").rglob(built_for))


def test_the_image_has_the_handler_and_the_domain_and_nothing_else(task: Path) -> None:
    domain = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in (PROJECT_ROOT / "petrostream").rglob("*.py")
        if not path.is_relative_to(PROJECT_ROOT / "petrostream" / "local")
    }
    files = {path.relative_to(task).as_posix() for path in task.rglob("*") if path.is_file()}
    assert files == {"app.py", *domain}


def test_the_image_has_all_that_the_handler_imports(task: Path) -> None:
    modules = modules_of_handler(*ISOLATED, task=task, environment=WITH_PACKAGES)
    ours = {
        name: file
        for name, file in modules.items()
        if name.partition(".")[0] in {"app", "petrostream"}
    }
    assert len(ours) > 1
    assert all(file.is_relative_to(task) for file in ours.values()), ours


def test_a_cold_start_loads_nothing_heavy(task: Path) -> None:
    """All of it is installed here, so whatever reaches for it would get it."""
    modules = modules_of_handler(*ISOLATED, task=task, environment=WITH_PACKAGES)
    assert not HEAVY & {name.partition(".")[0] for name in modules}


def test_the_image_runs_a_function_that_there_is(task: Path) -> None:
    module, _, function = handler_name().partition(".")
    program = f"import {module}; assert callable({module}.{function})"
    subprocess.run([*ISOLATED, "-c", program], cwd=task, env=WITH_PACKAGES, check=True)
