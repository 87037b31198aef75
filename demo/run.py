"""Bring the stack up, train, replay, show, and take it all down again."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from console.exits import EXIT_FAILED, EXIT_PARTIAL, EXIT_USAGE
from petrostream.aws.buckets import Bucket
from petrostream.aws.queues import queue_depth
from petrostream.documents import read_json
from petrostream.errors import PetroStreamError, UsageError
from petrostream.ingest.recordings import find_recordings
from petrostream.local import stack
from petrostream.local.processes import find_process, spawn
from petrostream.scoring.totals import tally
from petrostream.settings import PROJECT_ROOT, Settings, state_folder
from producer.speed import Speed

_MOST_TRAINED_ON: Final = 120


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to replay and how; without `data`, wells are synthesised."""

    data: Path | None
    speed: Speed
    limit: int | None
    dashboard: bool
    dashboard_port: int
    aws_port: int

    @property
    def evaluates_beside(self) -> bool:
        """Whether the model is evaluated while the wells are replayed.

        Without a dashboard nobody would see it; at full speed scoring needs every core, so that
        it waits until all is scored.
        """
        return self.dashboard and math.isfinite(self.speed.factor)


def run(options: DemoOptions) -> int:
    """Run the demo; returns when the dashboard is closed by Ctrl-C, or when all is scored."""
    began = time.monotonic()
    if options.data is not None:
        find_recordings(options.data)
    stack.check_port(options.aws_port, "--aws-port", "AWS_PORT")
    if options.dashboard:
        stack.check_port(options.dashboard_port, "--dashboard-port", "DASHBOARD_PORT")
    _say("starting the embedded AWS")
    made = stack.up(stack.StackOptions(port=options.aws_port))
    try:
        return _run_in(made, options, began)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stack.down()
        _say("everything is stopped")


def _run_in(made: dict[str, Any], options: DemoOptions, began: float) -> int:
    environment = {**os.environ, **made["environment"]}
    os.environ.update(made["environment"])
    settings = Settings.load("curated_bucket", "queue_url", "dead_letter_queue_url")
    data = options.data or _synthesise(environment)
    _say("training")
    trained = _step(
        ["ml", "train", str(data), f"--limit={_MOST_TRAINED_ON}", "--no-evaluation"], environment
    )
    if options.dashboard:
        _open_dashboard(made, options.dashboard_port)
    if options.evaluates_beside:
        _evaluate(made, data)
    _say(f"replaying {data} at speed {options.speed}")
    limit = [f"--limit={options.limit}"] if options.limit else []
    replayed = _step(
        ["producer", "replay", str(data), f"--speed={options.speed}", "--json", *limit],
        environment,
    )
    stack.wait_until_idle(settings, made, _say)
    summary = read_json(replayed.output.splitlines()[-1], "what the replay said").table()
    result = _result(settings, summary, time.monotonic() - began)
    if options.dashboard:
        _say(f"all is scored: {json.dumps(result)}")
        if not options.evaluates_beside:
            _evaluate(made, data)
        _wait_for_interrupt(made, options.dashboard_port)
    else:
        sys.stdout.write(json.dumps(result) + "\n")
    if not _is_complete(result):
        return EXIT_FAILED
    return EXIT_PARTIAL if trained.partial or replayed.partial else 0


def _synthesise(environment: dict[str, str]) -> Path:
    folder = state_folder() / "demo"
    _say("making wells up (--data <folder> replays real ones)")
    _step(["producer", "synthesise", f"--into={folder}"], environment)
    return folder


@dataclass(frozen=True, slots=True)
class _Step:
    output: str
    partial: bool


class _StepEnded(PetroStreamError):
    """A step of the demo ended early; it has said why itself."""


def _step(command: list[str], environment: dict[str, str]) -> _Step:
    """Run a step as a process of its own; it has told the user itself what went wrong."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=PROJECT_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            process.terminate()
            raise
    for line in output.splitlines()[: -1 if "--json" in command else None]:
        _say(line)
    if process.returncode == EXIT_USAGE:
        raise UsageError(f"`petrostream {command[1]}` can't do that")
    if process.returncode not in (0, EXIT_PARTIAL):
        raise _StepEnded(f"`petrostream {command[1]}` failed")
    return _Step(output, partial=process.returncode == EXIT_PARTIAL)


def _open_dashboard(made: dict[str, Any], port: int) -> None:
    dashboard = spawn(
        ["dashboard", f"--port={port}"],
        state_folder() / "logs" / "dashboard.log",
        made["environment"],
    )
    stack.register(made, "dashboard", dashboard.pid)
    _say(f"the dashboard is at {_address(port)}")


def _evaluate(made: dict[str, Any], data: Path) -> None:
    """Evaluate how the model was made, for the Accuracy page."""
    evaluation = spawn(
        ["ml", "evaluate", str(data), "--attach", f"--limit={_MOST_TRAINED_ON}"],
        state_folder() / "logs" / "evaluation.log",
        made["environment"],
    )
    stack.register(made, "evaluation", evaluation.pid)
    _say("evaluating the model; the Accuracy page shows the figures once they are there")


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _result(settings: Settings, replayed: dict[str, Any], seconds: float) -> dict[str, Any]:
    totals = tally(Bucket(settings.curated_bucket))
    return {
        "recordings": totals.recordings,
        "batches": totals.batches,
        "rows_read": replayed["rows"],
        "rows_commissioning": totals.rows_commissioning,
        "rows_scored": totals.rows_scored,
        "rows_unscorable": totals.rows_unscorable,
        "anomalies": totals.anomalies,
        "events": totals.events,
        "dead_letters": queue_depth(settings.dead_letter_queue_url).total,
        "quarantined": totals.quarantined,
        "seconds": round(seconds, 1),
    }


def _is_complete(result: dict[str, Any]) -> bool:
    accounted = sum(
        result[f"rows_{status}"] for status in ("commissioning", "scored", "unscorable")
    )
    if result["rows_read"] == accounted:
        return True
    sys.stderr.write(
        f"error: {result['rows_read']} rows were read, but {accounted} came out; "
        f"{result['dead_letters']} messages are dead, {result['quarantined']} objects set aside\n"
    )
    return False


def _wait_for_interrupt(made: dict[str, Any], port: int) -> None:
    try:
        _say(f"the dashboard stays at {_address(port)}; Ctrl-C ends the demo")
        while find_process(made["processes"]["dashboard"]):
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    log = (state_folder() / "logs" / "dashboard.log").read_text().splitlines()
    raise _StepEnded("the dashboard has ended; the last that it said: " + " / ".join(log[-3:]))


def _say(text: str) -> None:
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()
