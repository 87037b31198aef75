"""Is what `up` and `down` need there? What is missing is said at once, with where to get it."""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, Final

from deploy.account import access
from deploy.account.access import Account
from deploy.terraform import process
from petrostream.errors import PetroStreamError, UsageError

PLATFORM: Final = "linux/arm64"
_DOCKER: Final = "docker"
_SECONDS: Final = 60


def check() -> Account:
    """Make sure of Terraform and credentials.

    Docker is not needed where the image is in the registry already; it is looked at here only if
    something else is missing, so that all of it is said at once.

    Raises
    ------
    UsageError
        If anything is missing; every missing thing has its line.
    """
    found: list[Account] = []
    checks: list[Callable[[], Any]] = [
        process.installed_version,
        lambda: found.append(access.identify()),
    ]
    problems = _problems(checks)
    if problems:
        raise UsageError("\n".join(problems + _problems([check_docker])))
    return found[0]


def check_docker() -> None:
    """Make sure that Docker can build and push an image for arm64.

    Raises
    ------
    UsageError
        If it is not installed or does not run, lacks buildx, or can't run programs for arm64.
    """
    if shutil.which(_DOCKER) is None:
        raise UsageError("docker is not installed: get it from https://docs.docker.com/get-docker/")
    if _ask("info", "--format", "{{.ServerVersion}}") is None:
        raise UsageError(
            "docker does not run: start Docker Desktop, or the service (`sudo systemctl start "
            "docker`), and see that you may use it"
        )
    if _ask("buildx", "version") is None:
        raise UsageError(
            "docker lacks buildx: get it from https://github.com/docker/buildx#installing"
        )
    platforms = _platforms(_ask("buildx", "inspect", "--bootstrap") or "")
    if platforms and PLATFORM not in platforms:
        raise UsageError(
            f"docker can't build for {PLATFORM} here: run `docker run --privileged --rm "
            "tonistiigi/binfmt --install arm64` once"
        )


def find_shortage(executions: int) -> str | None:
    """Say where the account leaves fewer executions of Lambda side by side than may be caused.

    `None` where it does not, and where it can't be asked: nothing that is made depends on it.
    """
    try:
        with access.explained("asking Lambda for the account's limits"):
            limits = access.client("lambda").get_account_settings()["AccountLimit"]
    except PetroStreamError:
        return None
    left = int(limits["UnreservedConcurrentExecutions"])
    if executions <= left:
        return None
    return (
        f"the account has {left} executions of Lambda left side by side, and the queues may cause "
        f"{executions}: what is throttled counts as tried, and may end as a dead letter"
    )


def _platforms(description: str) -> set[str]:
    found = re.search(r"^Platforms:\s*(.+)$", description, re.MULTILINE)
    return {part.strip().rstrip("*") for part in found[1].split(",")} if found else set()


def _ask(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            [shutil.which(_DOCKER) or _DOCKER, *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout


def _problems(checks: Sequence[Callable[[], Any]]) -> list[str]:
    problems = []
    for one in checks:
        try:
            one()
        except PetroStreamError as error:
            problems.append(str(error))
    return problems
