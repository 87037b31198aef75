"""Counts the calls that are made to AWS, each request of a listing included."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient


class CallCounts(Counter[str]):
    """How often each call was made, as `s3:PutObject`."""

    def of(self, *names: str) -> int:
        """How often any of some calls was made."""
        return sum(self[name] for name in names)


@contextmanager
def counted() -> Iterator[CallCounts]:
    """Count the calls within the block, of all threads."""
    calls, lock = CallCounts(), threading.Lock()
    original = BaseClient._make_api_call

    def count(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        with lock:
            calls[f"{client.meta.service_model.service_name}:{operation}"] += 1
        return original(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", count)
        yield calls
