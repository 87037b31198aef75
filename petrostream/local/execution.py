"""Execution environments: the handler in a process of its own, as Lambda runs it."""

import importlib
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from petrostream.errors import PetroStreamError
from petrostream.local.endpoint import FAKE_CREDENTIALS
from petrostream.local.function import Function
from petrostream.settings import PROJECT_ROOT

_LOG_STREAM: Final = "local"
_COLD_START_SECONDS: Final = 60.0
_INHERITED: Final = ("PATH", "LANG", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", *FAKE_CREDENTIALS)
_SPAWN: Final = multiprocessing.get_context("spawn")

log = logging.getLogger("petrostream.worker")


@dataclass(frozen=True, slots=True)
class InvocationContext:
    """What Lambda hands to a handler besides the event."""

    aws_request_id: str
    deadline: float
    function: Function = field(default_factory=Function)
    log_stream_name: str = _LOG_STREAM

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def function_version(self) -> str:
        """The function's version."""
        return self.function.version

    @property
    def memory_limit_in_mb(self) -> int:
        """The function's memory."""
        return self.function.memory_mb

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return self.function.arn

    @property
    def log_group_name(self) -> str:
        """Where the function's log goes on AWS."""
        return self.function.log_group

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def handler_environment(function: Function) -> dict[str, str]:
    """All that the handler sees: the function's variables, and what Lambda itself sets.

    Lambda gives the credentials of the function's role and its region; here they are the
    worker's own, with the endpoint of its AWS.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "TZ": ":UTC",
        "_HANDLER": "app.handler",
        "LAMBDA_TASK_ROOT": str(PROJECT_ROOT / "lambda"),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": _LOG_STREAM,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **function.variables,
    }


def serve_environment(connection: Connection, function: Function) -> None:
    """Run one execution environment: import the handler, answer events until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    environment = handler_environment(function)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path.insert(0, environment["LAMBDA_TASK_ROOT"])
    handler = importlib.import_module("app").handler
    connection.send("ready")
    while True:
        try:
            event = connection.recv()
        except EOFError:
            return
        deadline = time.monotonic() + function.timeout_seconds
        context = InvocationContext(str(uuid.uuid4()), deadline, function)
        try:
            connection.send((True, json.loads(json.dumps(handler(event, context)))))
        except Exception as error:
            log.exception("the handler raised")
            connection.send((False, repr(error)))


class InvocationFailed(PetroStreamError):
    """The handler raised, ran out of time or died: its whole batch counts as failed."""


class Environment:
    """One execution environment in a process of its own, started when needed."""

    def __init__(
        self,
        function: Function,
        serve: Callable[[Connection, Function], None] = serve_environment,
    ) -> None:
        self._function = function
        self._serve = serve
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def invoke(self, event: dict[str, Any]) -> Any:
        """Hand an event to the handler and return its answer.

        Raises
        ------
        InvocationFailed
            If there is no answer; the process is replaced where it is to blame.
        """
        timeout = self._function.timeout_seconds
        try:
            connection = self._started()
            connection.send(event)
            if not connection.poll(timeout):
                raise InvocationFailed(f"the handler took longer than {timeout:g} s")
            succeeded, answer = connection.recv()
        except (EOFError, OSError) as error:
            self.stop()
            raise InvocationFailed(f"the handler's process died ({error!r})") from error
        except InvocationFailed:
            self.stop()
            raise
        if not succeeded:
            raise InvocationFailed(f"the handler raised {answer}")
        return answer

    def _started(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self.stop()
        ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=self._serve, args=(theirs, self._function), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            if not ours.poll(_COLD_START_SECONDS) or ours.recv() != "ready":
                raise InvocationFailed("the handler's process did not get ready")
        except EOFError as error:
            raise InvocationFailed("the handler can't be imported; see the log") from error
        self._connection = ours
        return ours

    def stop(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._connection = self._process = None
