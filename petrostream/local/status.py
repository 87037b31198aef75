"""How the embedded AWS is: for people in lines, for programs as facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from petrostream.aws.buckets import Bucket
from petrostream.aws.queues import queue_depth
from petrostream.errors import PetroStreamError
from petrostream.local.processes import find_process
from petrostream.local.stack import endpoint, is_provisioned
from petrostream.registry.models import ModelRegistry
from petrostream.schema.keys import QUARANTINE, READINGS, REASON_SUFFIX, SCORED
from petrostream.settings import LOCAL, Settings, read_stack, state_folder, use_stack


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was looked at: its name, what a person reads, what a program reads.

    `is_fault` says that it could not be had, or is not as it should be; `text` says why.
    """

    name: str
    text: str
    value: Any = None
    is_fault: bool = False

    def __str__(self) -> str:
        return f"{self.name:<10} {self.text}" if self.name else self.text

    @property
    def problem(self) -> str:
        """A fault in a sentence, for programs: what is not as it should be, and why."""
        return f"{self.name}: {self.text}" if self.name else self.text


def facts(target: str, looks: Iterable[Look]) -> dict[str, Any]:
    """What was seen by name, JSON-ready, and the sentences about what could not be."""
    seen = list(looks)
    return {
        "target": target,
        "is_up": any(look.name for look in seen),
        **{look.name: look.value for look in seen if look.name},
        "problems": [look.problem for look in seen if look.is_fault],
    }


def look_at_stack() -> list[Look]:
    """Look at the stack of the embedded AWS."""
    stack = read_stack(LOCAL)
    if stack is None:
        return [Look("", "no stack is up: start one with `petrostream up`")]
    use_stack()
    looks = [Look("endpoint", endpoint(stack), endpoint(stack))]
    for name, identity in stack["processes"].items():
        runs = find_process(identity) is not None
        text = f"{'running' if runs else 'NOT RUNNING'} (process {identity['pid']})"
        value = {"is_running": runs, "process": identity["pid"]}
        looks.append(Look(name, text, value, is_fault=not runs))
    if not is_provisioned(stack):
        reason = "`petrostream up` did not get to its end: run it again"
        return [*looks, Look("", reason, is_fault=True)]
    try:
        return [*looks, *_contents(Settings.load())]
    except PetroStreamError as error:
        reason = f"{error}: run `petrostream down`, then `petrostream up`"
        return [*looks, Look("", reason, is_fault=True)]


def _contents(settings: Settings) -> list[Look]:
    depth = queue_depth(settings.queue_url)
    alone = queue_depth(settings.retries_queue_url)
    dead = queue_depth(settings.dead_letter_queue_url).total
    raw, curated = Bucket(settings.raw_bucket), Bucket(settings.curated_bucket)
    batches = {
        "uploaded": _count(raw, READINGS),
        "scored": _count(curated, SCORED),
        "quarantined": _count(curated, QUARANTINE, REASON_SUFFIX),
    }
    logs = str(state_folder() / "logs")
    return [
        _model(settings),
        Look("queue", str(depth), {"waiting": depth.waiting, "in_flight": depth.in_flight}),
        Look("retries", str(alone), {"waiting": alone.waiting, "in_flight": alone.in_flight}),
        Look("dead", str(dead), dead),
        Look("batches", ", ".join(f"{count} {name}" for name, count in batches.items()), batches),
        Look(
            "buckets",
            f"{settings.raw_bucket}, {settings.curated_bucket}",
            [settings.raw_bucket, settings.curated_bucket],
        ),
        Look("logs", logs, logs),
    ]


def _model(settings: Settings) -> Look:
    registry = ModelRegistry(Bucket(settings.models_bucket), settings.model_parameter)
    try:
        version = registry.pointer().version
    except PetroStreamError as error:
        return Look("model", str(error), is_fault=True)
    return Look("model", version, version)


def _count(bucket: Bucket, prefix: str, suffix: str = "") -> int:
    return sum(key.endswith(suffix) for key in bucket.keys(prefix))
