"""The processes of a chaos run: embedded AWS, workers, producer. Any of them may be disturbed."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from petrostream.aws.queues import queue_depth
from petrostream.local import resources
from petrostream.local.endpoint import NAME
from petrostream.local.endpoint import environment as aws_environment
from petrostream.settings import PROJECT_ROOT, Settings

VISIBILITY_SECONDS = 20
"""Shorter than what `up` gives, so that a message whose receiver died comes again in the run."""
_OFTEN_ENOUGH = 1000
"""Receives before a message is a dead letter: here every one of them may be taken and dropped."""
ALERTS = "chaos-alerts"


@dataclass
class Platform:
    """Everything that runs, and where it says what it does."""

    folder: Path
    server: subprocess.Popen[bytes] = field(init=False)
    direct: str = field(init=False)
    settings: Settings = field(init=False)
    clients: resources.Clients = field(init=False)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    producer: subprocess.Popen[bytes] | None = None
    producer_is_done: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    alerts_url: str = ""

    def __post_init__(self) -> None:
        """Start the server, and make the resources on it; `use` says where the others find it."""
        self.server = subprocess.Popen(
            [sys.executable, "-m", "petrostream.local.server"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **aws_environment("http://127.0.0.1:1")},
            stdout=subprocess.PIPE,
            stderr=self._log("server"),
        )
        assert self.server.stdout is not None
        self.direct = f"http://127.0.0.1:{int(self.server.stdout.readline())}"
        os.environ.update(aws_environment(self.direct))
        self.clients = resources.Clients.connect()
        self.settings = resources.provision(self.clients)
        for url in self.queues():
            self._see_again_soon(url)
        self._collect_alerts()

    def use(self, endpoint: str) -> None:
        """Have workers and producer talk to AWS there."""
        state = {"PETROSTREAM_STATE": str(self.folder / "state")}
        self.environment = {
            **aws_environment(endpoint),
            **self.settings.to_environment(),
            **state,
        }
        os.environ.update({**self.settings.to_environment(), **state})

    def queues(self) -> list[str]:
        """Every queue whose messages have to be handled."""
        found = self.clients.sqs.list_queues(QueueNamePrefix=NAME).get("QueueUrls", [])
        return [url for url in found if url != self.settings.dead_letter_queue_url]

    def _see_again_soon(self, url: str) -> None:
        known = self.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        if redrive := known["Attributes"].get("RedrivePolicy"):
            policy = {**json.loads(redrive), "maxReceiveCount": _OFTEN_ENOUGH}
            attributes["RedrivePolicy"] = json.dumps(policy)
        self.clients.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def _collect_alerts(self) -> None:
        sqs = self.clients.sqs
        self.alerts_url = sqs.create_queue(QueueName=ALERTS)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.alerts_url, AttributeNames=["QueueArn"])
        self.clients.sns.subscribe(
            TopicArn=self.settings.topic_arn,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )

    def alerts(self) -> list[str]:
        """The messages that went out to the topic; they are taken from it."""
        bodies: list[str] = []
        while True:
            got = self.clients.sqs.receive_message(QueueUrl=self.alerts_url, MaxNumberOfMessages=10)
            if not got.get("Messages"):
                return bodies
            bodies += [message["Body"] for message in got["Messages"]]

    def run(self, *module: str) -> None:
        """Run a command to its end, undisturbed."""
        with self._log("commands") as log:
            subprocess.run(
                [sys.executable, "-m", *module],
                cwd=PROJECT_ROOT,
                env={**os.environ, **self.environment, "AWS_ENDPOINT_URL": self.direct},
                stdout=log,
                stderr=log,
                check=True,
            )

    def start_worker(self) -> None:
        self.workers.append(self._start("worker", "petrostream.local.worker", "--slots=2"))

    def start_producer(self, data: Path, speed: float) -> None:
        self.producer = self._start(
            "producer", "producer", "replay", str(data), f"--speed={speed:g}"
        )

    def _start(self, name: str, *module: str) -> subprocess.Popen[bytes]:
        with self._log(name) as log:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=PROJECT_ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def _log(self, name: str) -> Any:
        return (self.folder / f"{name}.log").open("ab")

    def living_workers(self) -> list[subprocess.Popen[bytes]]:
        """The workers that have not ended."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        return self.workers

    def handlers(self) -> list[psutil.Process]:
        """The processes that workers have started, and what those have."""
        found = []
        for worker in self.living_workers():
            with suppress(psutil.Error):
                found += psutil.Process(worker.pid).children(recursive=True)
        return found

    def depth(self) -> tuple[int, int]:
        """How many messages wait, and how many somebody has in hand, in all queues."""
        depths = [queue_depth(url, self.clients.sqs) for url in self.queues()]
        return sum(each.waiting for each in depths), sum(each.in_flight for each in depths)

    def dead_letters(self) -> int:
        return queue_depth(self.settings.dead_letter_queue_url, self.clients.sqs).total

    def close(self) -> None:
        """End everything that was started here."""
        started = [*self.workers, self.producer, self.server]
        family = self.handlers()
        for process in started:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        for member in family:
            with suppress(psutil.Error):
                member.kill()
        if self.server.stdout is not None:
            self.server.stdout.close()
