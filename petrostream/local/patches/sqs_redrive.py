"""Mends of moto's SQS: dead letters can be moved back, which stock moto does not know.

Messages move at once, as new messages, in the order in which they died; those that somebody holds
stay. Each goes back to the queue that it came from. One that was sent to the dead letters directly,
which AWS leaves there, goes to the first of their queues by name.
"""

import uuid
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from petrostream.local.patches._mend import Mend
from petrostream.local.patches.sqs import source_of


def _start_message_move_task(response: SQSResponse) -> ActionResult:
    """Stock moto has no `StartMessageMoveTask`."""
    backend = response.sqs_backend
    dead = _queue_of(backend, response._get_param("SourceArn"))  # noqa: SLF001
    destination = response._get_param("DestinationArn")  # noqa: SLF001
    sources = _source_queues(backend, dead, destination)
    began = int(unix_time_millis())
    task = {
        "Status": "COMPLETED",
        "SourceArn": dead.queue_arn,
        "ApproximateNumberOfMessagesMoved": _move(backend, dead, sources),
        "ApproximateNumberOfMessagesToMove": 0,
        "StartedTimestamp": began,
    }
    _tasks(dead).insert(0, task | ({"DestinationArn": destination} if destination else {}))
    return ActionResult({"TaskHandle": str(uuid.uuid4())})


def _list_message_move_tasks(response: SQSResponse) -> ActionResult:
    """Stock moto has no `ListMessageMoveTasks`."""
    dead = _queue_of(response.sqs_backend, response._get_param("SourceArn"))  # noqa: SLF001
    most = int(response._get_param("MaxResults") or 1)  # noqa: SLF001
    return ActionResult({"Results": _tasks(dead)[:most]})


def _queue_of(backend: SQSBackend, arn: str) -> Queue:
    for queue in backend.queues.values():
        if queue.queue_arn == arn:
            return queue
    raise SQSException(
        "ResourceNotFoundException", "The resource that you specified for SourceArn doesn't exist."
    )


def _source_queues(
    backend: SQSBackend, dead: Queue, destination_arn: str | None
) -> dict[str, Queue]:
    """The queues that messages go back to, by name, in the order of names."""
    sources = backend.list_dead_letter_source_queues(dead.name)
    if not sources:
        raise SQSException(
            "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
        )
    wanted = [queue for queue in sources if destination_arn in (None, queue.queue_arn)]
    if not wanted:
        raise SQSException(
            "InvalidParameterValue",
            "The embedded AWS moves dead letters to queues only that they come from.",
        )
    return {queue.name: queue for queue in sorted(wanted, key=lambda queue: str(queue.name))}


def _move(backend: SQSBackend, dead: Queue, sources: dict[str, Queue]) -> int:
    with dead._messages_lock:  # noqa: SLF001
        moving = dead.messages
        left = set(dead._messages).difference(moving)  # noqa: SLF001
        dead._messages = [message for message in dead._messages if message in left]  # noqa: SLF001
    first = next(iter(sources))
    for message in moving:
        source = source_of(message)
        backend.send_message(
            source if source in sources else first,
            message.body,
            message_attributes=message.message_attributes,
        )
    return len(moving)


def _tasks(dead: Queue) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = dead.__dict__.setdefault("move_tasks", [])
    return tasks


MENDS: Final = (
    Mend(SQSResponse, "start_message_move_task", _start_message_move_task),
    Mend(SQSResponse, "list_message_move_tasks", _list_message_move_tasks),
)
