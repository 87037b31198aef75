"""The container image without Docker: its task folder, its packages, AWS's client and emulator.

The task folder follows the Dockerfile's own COPY lines. The packages and the emulator are
installed once for each state of the requirement files, under `.cache/emulator`.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import urllib3
from urllib3.util.retry import Retry

from petrostream.settings import PROJECT_ROOT

DOCKERFILE = PROJECT_ROOT / "lambda" / "Dockerfile"
DOCKERIGNORE = PROJECT_ROOT / "lambda" / "Dockerfile.dockerignore"
PACKAGES = PROJECT_ROOT / "lambda" / "requirements.txt"
CLIENT = PROJECT_ROOT / "requirements" / "emulator.txt"
BINARY = PROJECT_ROOT / "requirements" / "emulator-binary.txt"
CACHE = PROJECT_ROOT / ".cache" / "emulator"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "PETROSTREAM_RAW_BUCKET": "raw",
    "PETROSTREAM_CURATED_BUCKET": "curated",
    "PETROSTREAM_MODELS_BUCKET": "models",
    "PETROSTREAM_MODEL_PARAMETER": "/petrostream/model",
    "PETROSTREAM_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alarms",
    "PETROSTREAM_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/ingest",
    "PETROSTREAM_RETRIES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/retries",
}
"""What importing the handler needs: names, and an AWS that it must not talk to yet."""

HEAVY = {"pandas", "sklearn", "scipy", "joblib", "streamlit", "moto", "awswrangler"}
"""What the rest of the project needs and a cold start must not load."""

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_INSTALL_SECONDS = 90
_INVOKE_SECONDS = 60
_STOP_SECONDS = 10
_LOOPBACK = "127.0.0.1"


class Unavailable(Exception):
    """The handler can't be run as AWS does on this machine."""


def lay_out(task: Path) -> None:
    """Fill a task folder as the Dockerfile does, from what the ignore file lets into the build."""
    for *sources, target in _instructions("COPY"):
        for path in build_context():
            for source in (PurePosixPath(each) for each in sources):
                if path.is_relative_to(source):
                    name = path.name if path == source else path.relative_to(source)
                    copy = task / target / name
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(PROJECT_ROOT / path, copy)


def handler_name() -> str:
    """The handler that the image runs."""
    ((line,),) = [
        json.loads(line.removeprefix("CMD "))
        for line in DOCKERFILE.read_text().splitlines()
        if line.startswith("CMD ")
    ]
    return str(line)


def _instructions(name: str) -> list[list[str]]:
    lines = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{name} ")]


def build_context() -> list[PurePosixPath]:
    """The files that the ignore file lets through, by path from the project's root.

    The last pattern that fits a file, or a folder that it is in, decides, as Docker has it.
    """
    patterns = [
        (_matcher(line.lstrip("!")), line.startswith("!"))
        for line in DOCKERIGNORE.read_text().splitlines()
        if line and not line.startswith("#")
    ]
    files = [
        PurePosixPath(path.relative_to(PROJECT_ROOT).as_posix())
        for folder in ("lambda", "petrostream")
        for path in sorted((PROJECT_ROOT / folder).rglob("*"))
        if path.is_file()
    ]
    return [path for path in files if [let for fits, let in patterns if fits(path)][-1]]


def _matcher(pattern: str) -> Callable[[PurePosixPath], bool]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    words = re.split(r"(\*\*/|\*\*|\*)", pattern)
    expression = re.compile("".join(parts.get(word, re.escape(word)) for word in words))

    def fits(path: PurePosixPath) -> bool:
        return any(expression.fullmatch(str(each)) for each in (path, *path.parents))

    return fits


def modules_of_handler(
    *python: str | Path, task: Path, environment: dict[str, str] = ENVIRONMENT
) -> dict[str, Path]:
    """Import the handler in a fresh interpreter; gives every module that this loads, and its file.

    `python` is the interpreter and its options.
    """
    program = "import json, sys, app; print(json.dumps({n: getattr(m, '__file__', None) or '' "
    program += "for n, m in sys.modules.items()}))"
    found = subprocess.run(
        [*python, "-c", program],
        check=True,
        cwd=task,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    return {name: Path(file) for name, file in json.loads(found.stdout).items()}


def install(*arguments: str | Path) -> None:
    """Run `uv pip install` on hash-pinned wheels only.

    Raises
    ------
    Unavailable
        If no package index answers in time.
    subprocess.CalledProcessError
        If one does, but what is asked for can't be installed from it.
    """
    command = ["pip", "install", "--require-hashes", "--only-binary", ":all:", *arguments]
    _uv(*command)


def _uv(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", "--system-certs", *map(str, arguments)]
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            env={"UV_HTTP_TIMEOUT": "30", **os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"no packages within {_INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        if re.search(r"error sending request|Request failed|Failed to fetch", error.stderr):
            raise Unavailable(f"no package index: {' '.join(error.stderr.split())}") from error
        sys.stderr.write(error.stderr)
        raise


@dataclass(frozen=True)
class Runtime:
    """A folder with the packages of the image, AWS's client for them and AWS's emulator."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter that has these packages and no others."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def emulator(self) -> Path:
        """AWS's runtime interface emulator."""
        return self.folder / "aws-lambda-rie"


def runtime() -> Runtime:
    """The runtime for the present requirement files; it is made where it is not there yet.

    Raises
    ------
    Unavailable
        If it can't be made here.
    """
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        raise Unavailable(f"AWS's emulator does not run on {sys.platform} {platform.machine()}")
    found = Runtime(CACHE / _fingerprint())
    if not found.folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            made = Path(scratch) / "runtime"
            _make(Runtime(made))
            _put_in_place(made, found.folder)
    return found


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version}{platform.machine()}".encode())
    for file in (PACKAGES, CLIENT, BINARY):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _put_in_place(made: Path, place: Path) -> None:
    """Rename; where somebody else was faster, theirs is as good."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _make(made: Runtime) -> None:
    _uv("venv", "--python", sys.executable, made.folder / "venv")
    install("--compile-bytecode", "--python", made.python, "-r", PACKAGES, "-r", CLIENT)
    wheel = made.folder / "wheel"
    install("--no-deps", "--target", wheel, "-r", BINARY)
    binary = f"aws-lambda-rie-{_ARCHITECTURES[platform.machine()]}"
    shutil.move(wheel / "samcli" / "local" / "rapid" / binary, made.emulator)
    made.emulator.chmod(0o755)
    shutil.rmtree(wheel)


class Emulator:
    """The handler under AWS's runtime client and emulator, one execution environment.

    Parameters
    ----------
    runtime
        The packages and the emulator.
    task
        The task folder; see `lay_out`.
    environment
        The function's environment variables.
    log
        File for what emulator and handler print.
    """

    def __init__(
        self, runtime: Runtime, task: Path, environment: dict[str, str], log: Path
    ) -> None:
        self._port = _free_port()
        self._log = log
        with log.open("w") as sink:
            self._process = subprocess.Popen(
                [
                    runtime.emulator,
                    *("--runtime-interface-emulator-address", f"{_LOOPBACK}:{self._port}"),
                    *("--runtime-api-address", f"{_LOOPBACK}:{_free_port()}"),
                    *(runtime.python, "-m", "awslambdaric", handler_name()),
                ],
                cwd=task,
                env={
                    "PATH": os.defpath,
                    "LAMBDA_TASK_ROOT": str(task),
                    "AWS_LAMBDA_FUNCTION_NAME": "petrostream-scoring",
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                    "AWS_LAMBDA_FUNCTION_TIMEOUT": str(_INVOKE_SECONDS),
                    **environment,
                },
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def invoke(self, event: dict[str, Any]) -> Any:
        """Hand an event to the function and return its answer, an error's document included."""
        with urllib3.PoolManager() as pool:
            response = pool.request(
                "POST",
                f"http://{_LOOPBACK}:{self._port}/2015-03-31/functions/function/invocations",
                json=event,
                timeout=_INVOKE_SECONDS,
                # Nothing is sent before the emulator listens, so only connecting is tried again.
                retries=Retry(
                    100,
                    read=False,
                    redirect=False,
                    status=False,
                    backoff_factor=0.02,
                    backoff_max=0.1,
                ),
            )
        try:
            return response.json()
        except ValueError:
            raise AssertionError(
                f"the emulator answered {response.status} {response.data!r}:\n{self.printed()}"
            ) from None

    def printed(self) -> str:
        """What emulator and handler have printed so far."""
        return self._log.read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])
