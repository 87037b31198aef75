"""Bring the embedded AWS up and down; one file holds everything there is to know of it."""

import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from petrostream.aws.queues import backlog, queue_depth
from petrostream.disk_cache import listings_in, place_cache, remove
from petrostream.errors import PetroStreamError, ServiceUnavailable, UsageError
from petrostream.local import resources
from petrostream.local.endpoint import HOST
from petrostream.local.endpoint import environment as aws_environment
from petrostream.local.function import FUNCTION_TIMEOUT_SECONDS
from petrostream.local.processes import (
    find_process,
    identity_of,
    spawn,
    spawn_into,
    stop_process,
)
from petrostream.settings import (
    LOCAL,
    Settings,
    read_stack,
    stack_file,
    state_folder,
    variable,
    write_stack,
)

_FORMAT: Final = 2
_SERVER: Final = "server"
WORKER: Final = "worker"
PYTHON: Final = "python"
TERRAFORM: Final = "terraform"
_FOLDERS: Final = ("logs", "replays", "model", "demo", "terraform")
_TELL_EVERY_SECONDS: Final = 5.0
_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How to bring the stack up; port 0 takes a free one."""

    port: int = 0
    slots: int = 2
    function_timeout_seconds: int = FUNCTION_TIMEOUT_SECONDS


class Provisioned(NamedTuple):
    """What a provisioner made: the names that commands need, and Terraform's outputs."""

    settings: Settings
    outputs: dict[str, Any]


Provision = Callable[[Mapping[str, str]], tuple[Settings, dict[str, Any]]]
"""Makes the resources on the AWS that the given environment names."""


def up(options: StackOptions | None = None, provision: Provision | None = None) -> dict[str, Any]:
    """Start the embedded AWS, provision it, start the worker, write the stack file.

    Where the stack is up but its worker has died, only the worker is started again.

    Parameters
    ----------
    options
        Port, slots, and the function's time-out (where Python provisions).
    provision
        Terraform, as a function; without it, Python provisions the quick way.

    Raises
    ------
    UsageError
        If a stack is up already, or the port is busy.
    """
    options = options or StackOptions()
    stack = served()
    if stack is not None:
        if _process(stack, WORKER):
            raise _other_is_up(stack)
        _start_worker(stack, options)
        return stack
    down()
    stack = _start_server(options)
    try:
        os.environ.update(stack["environment"])
        stack["provisioner"] = PYTHON if provision is None else TERRAFORM
        stack["timeout"] = options.function_timeout_seconds
        provision = provision or _quickly(options)
        settings, stack["outputs"] = provision(dict(stack["environment"]))
        stack["environment"] |= settings.to_environment()
        write_stack(stack)
        _start_worker(stack, options)
    except BaseException:
        down()
        raise
    return stack


def whole_stack(options: StackOptions, provisioner: str | None = None) -> dict[str, Any] | None:
    """The stack that is up, whole and as it is wanted; `None` where there is something to do.

    Parameters
    ----------
    options
        What it must have been brought up with; any port will do for 0.
    provisioner
        What must have made its resources; anything if it is left out.

    Raises
    ------
    UsageError
        If one is up that differs, or that does not answer.
    """
    stack = served()
    if stack is None:
        return None
    runs = _process(stack, WORKER) is not None
    differences = list(_differences(stack, options, provisioner, has_worker=runs))
    if differences:
        raise _other_is_up(stack, f", but {' and '.join(differences)}")
    if not runs:
        return None
    os.environ.update(stack["environment"])
    try:
        queue_depth(Settings.load("queue_url").queue_url)
    except PetroStreamError as error:
        raise _other_is_up(stack, f", but it does not answer ({error})") from error
    return stack


def served() -> dict[str, Any] | None:
    """The stack whose server runs with everything made on it, be there a worker or not."""
    stack = read_stack()
    if stack is None or not is_provisioned(stack) or not _process(stack, _SERVER):
        return None
    return stack


def _differences(
    stack: dict[str, Any], options: StackOptions, provisioner: str | None, *, has_worker: bool
) -> Iterator[str]:
    port = urlsplit(endpoint(stack)).port
    if options.port not in (0, port):
        yield f"on port {port}, not {options.port}"
    if has_worker and stack.get("slots") != options.slots:
        yield f"with {stack.get('slots')} slots, not {options.slots}"
    if stack.get("timeout") != options.function_timeout_seconds:
        timeout, wanted = stack.get("timeout"), options.function_timeout_seconds
        yield f"with a time-out of {timeout} seconds, not {wanted}"
    maker = stack.get("provisioner")
    if provisioner not in (None, maker):
        yield f"made by {maker}, not by {provisioner}"


def _other_is_up(stack: dict[str, Any], how: str = "") -> UsageError:
    return UsageError(
        f"a stack is up already at {endpoint(stack)}{how}: stop it with `petrostream down` first"
    )


def up_already(stack: dict[str, Any]) -> str:
    """A sentence for the user about what `whole_stack` found."""
    return f"the embedded AWS is up already at {endpoint(stack)}: nothing was changed"


def _quickly(options: StackOptions) -> Provision:
    def provision(_environment: Mapping[str, str]) -> Provisioned:
        clients = resources.Clients.connect()
        settings = resources.provision(
            clients, function_timeout_seconds=options.function_timeout_seconds
        )
        return Provisioned(settings, resources.outputs(clients, settings))

    return provision


def is_provisioned(stack: dict[str, Any]) -> bool:
    """Whether `up` got so far; one that was killed before leaves a server and no names."""
    return variable("function_name") in stack["environment"]


def _process(stack: dict[str, Any], name: str) -> psutil.Process | None:
    return find_process(stack.get("processes", {}).get(name, {}))


def _start_worker(stack: dict[str, Any], options: StackOptions) -> None:
    worker = spawn(
        ["petrostream.local.worker", f"--slots={options.slots}"],
        state_folder() / "logs" / "worker.log",
        stack["environment"],
    )
    try:
        stack["slots"] = options.slots
        register(stack, WORKER, worker.pid)
    except BaseException:
        worker.kill()
        worker.wait()
        raise


def down() -> bool:
    """Stop everything and remove every file; tell whether there was anything to stop.

    Works after a half-failed `up` and after processes were killed by hand.
    """
    stack = _stack_or_none()
    stopped = False
    if stack is not None:
        for name in reversed(list(stack.get("processes", {}))):
            stopped |= stop_process(stack["processes"][name])
        _forget_what_was_listed(stack["environment"])
    _remove_files()
    return stopped or stack is not None


def _stack_or_none() -> dict[str, Any] | None:
    try:
        return read_stack()
    except PetroStreamError:
        return None


def _forget_what_was_listed(names: Mapping[str, Any]) -> None:
    endpoint, bucket = names.get("AWS_ENDPOINT_URL"), names.get(variable("curated_bucket"))
    folder = place_cache(str(endpoint), str(bucket)) if endpoint and bucket else None
    if folder is not None and folder.is_dir():
        with suppress(OSError):  # another dashboard may tidy it up at the same time
            for path in listings_in(folder):
                remove(path)
            folder.rmdir()


def _remove_files() -> None:
    folder = state_folder()
    stack_file().unlink(missing_ok=True)
    for name in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def check_port(port: int, option: str, variable_of_make: str) -> int:
    """Make sure that a port can be listened on; else the names say where to choose another.

    Raises
    ------
    UsageError
        If it is taken, or no port number.
    """
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} is busy or not to be had: choose another with {option} <port> "
                f"(make: {variable_of_make}=<port>)"
            ) from error
    return port


def _start_server(options: StackOptions) -> dict[str, Any]:
    """Start the server, and write a stack file that lets `down` find it from now on."""
    port = check_port(options.port, "--port", "AWS_PORT")
    logs = state_folder() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "server.log").open("ab") as log:
        server = spawn_into(["petrostream.local.server", str(port)], log, subprocess.PIPE, {})
    try:
        stack = {
            "format": _FORMAT,
            "target": LOCAL,
            "environment": aws_environment(f"http://{HOST}:{_port_of(server)}"),
            "processes": {_SERVER: identity_of(server.pid)},
        }
        write_stack(stack)
    except BaseException:
        server.kill()
        server.wait()
        raise
    return stack


def _port_of(server: subprocess.Popen[bytes]) -> int:
    """Wait for the line with the server's port."""
    if server.stdout is None:
        raise ServiceUnavailable("the embedded AWS gave no output")
    ready, _, _ = select.select([server.stdout], [], [], _START_SECONDS)
    line = server.stdout.readline() if ready else b""
    server.stdout.close()
    if not line.strip().isdigit():
        log = state_folder() / "logs" / "server.log"
        raise ServiceUnavailable(f"the embedded AWS did not start: see {log} for why")
    return int(line)


def register(stack: dict[str, Any], name: str, pid: int) -> None:
    """Add a process to the stack, so that `down` stops it too."""
    stack["processes"][name] = identity_of(pid)
    write_stack(stack)


def endpoint(stack: dict[str, Any]) -> str:
    """Where the stack's AWS listens."""
    return str(stack["environment"].get("AWS_ENDPOINT_URL", "AWS"))


def wait_until_idle(
    settings: Settings, stack: dict[str, Any], say: Callable[[str], None] = lambda _: None
) -> None:
    """Wait until the queues are empty and nothing is in flight; says how far that is.

    Raises
    ------
    ServiceUnavailable
        If the worker has ended, so that nobody empties the queue.
    """
    told = time.monotonic()
    while (depth := backlog(settings.work_queue_urls)).total:
        if time.monotonic() - told > _TELL_EVERY_SECONDS:
            told = time.monotonic()
            say(f"scoring: {depth.waiting} batches wait, {depth.in_flight} are being worked on")
        if find_process(stack["processes"][WORKER]) is None:
            log = (state_folder() / "logs" / "worker.log").read_text().splitlines()
            raise ServiceUnavailable(
                "the worker has ended; the last that it said: " + " / ".join(log[-3:])
            )
        time.sleep(0.2)
