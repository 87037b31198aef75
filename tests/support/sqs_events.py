"""The event documents of `tests/events`, filled in and as they go over the wire."""

import json
import re
from string import Template
from typing import Any
from urllib.parse import quote_plus

from petrostream.settings import PROJECT_ROOT

EVENTS = PROJECT_ROOT / "tests" / "events"
ANOTHER_ETAG = "8fafd4c2b8f0a5b8b6f0f2b5b0b1c7de"
"""What the documents announce: no object of a test has it."""
_WHOLE = re.compile(r"\$\{(\w+)\}")


def load_event(name: str, **values: str | int) -> dict[str, Any]:
    """Read a document, fill in its placeholders and turn JSON bodies into text."""
    document = json.loads((EVENTS / f"{name}.json").read_text())
    etags = dict.fromkeys(("etag", "etag_1", "etag_2", "etag_3"), ANOTHER_ETAG)
    event: dict[str, Any] = _filled(document, {"receive_count": "1", "size": 0, **etags, **values})
    for record in event.get("Records", []):
        if not isinstance(record["body"], str):
            record["body"] = json.dumps(record["body"], separators=(",", ":"))
    return event


def as_in_event(key: str) -> str:
    """A key as S3 writes it into its events."""
    return quote_plus(key, safe="/")


def message_ids(event: dict[str, Any]) -> list[str]:
    """The ids of an event's messages, in order."""
    return [record["messageId"] for record in event["Records"]]


def _filled(node: Any, values: dict[str, str | int]) -> Any:
    if isinstance(node, dict):
        return {name: _filled(child, values) for name, child in node.items()}
    if isinstance(node, list):
        return [_filled(child, values) for child in node]
    if isinstance(node, str):
        whole = _WHOLE.fullmatch(node)
        return values[whole[1]] if whole else Template(node).substitute(values)
    return node
