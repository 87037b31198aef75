"""Whether a summary is as it was can be yes, no, or not known."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from dashboard.curated.summary_listing import SummaryListing
from petrostream.errors import ServiceUnavailable

WRITTEN = datetime(2026, 11, 21, 12)


class Client:
    """S3 that answers each look with an error of some code."""

    def __init__(self, code: str) -> None:
        self.code = code

    def head_object(self, **_: str) -> dict[str, object]:
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "HeadObject")
        return {"ETag": '"e"', "ContentLength": 0, "LastModified": WRITTEN.replace(tzinfo=UTC)}


def test_it_is_there_or_it_is_gone() -> None:
    assert SummaryListing("curated", Client("")).is_there("key", WRITTEN)
    assert not SummaryListing("curated", Client("")).is_there("key", WRITTEN.replace(hour=13))
    assert not SummaryListing("curated", Client("404")).is_there("key", WRITTEN)


@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied", "503"])
def test_a_refusal_is_no_answer(code: str) -> None:
    with pytest.raises(ServiceUnavailable):
        SummaryListing("curated", Client(code)).is_there("key", WRITTEN)
