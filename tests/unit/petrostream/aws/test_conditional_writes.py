"""Writing what must not be there yet, where somebody else writes it at the same moment."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from petrostream.aws import buckets
from petrostream.aws.buckets import Bucket
from petrostream.errors import ServiceUnavailable


class Racing:
    """A store that says so often that a conflicting write is under way, and then something else."""

    def __init__(self, races: int, then: str = "") -> None:
        self.races, self.then, self.asked = races, then, 0

    def put_object(self, **named: Any) -> None:
        assert named["IfNoneMatch"] == "*"
        self.asked += 1
        code = "ConditionalRequestConflict" if self.asked <= self.races else self.then
        if code:
            raise ClientError({"Error": {"Code": code}}, "PutObject")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(buckets.time, "sleep", made.append)
    return made


def put(store: Any) -> bool:
    return Bucket("b", store).put_if_absent("k", b"body", "text/plain")


@pytest.mark.parametrize(("then", "wrote"), [("", True), ("PreconditionFailed", False)])
def test_a_conflict_is_asked_about_again(waits: list[float], then: str, wrote: bool) -> None:
    store = Racing(2, then)
    assert put(store) is wrote
    assert store.asked == 3
    assert len(waits) == 2


def test_a_conflict_that_never_ends_is_a_sentence(waits: list[float]) -> None:
    with pytest.raises(ServiceUnavailable, match="others write it all the time"):
        put(Racing(10**6))
    assert len(waits) < 10
