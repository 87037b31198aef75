"""Whether a summary is as it was can be yes, no, or not known."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from dashboard.curated.summary_listing import MOST_REFUSED, SummaryListing
from petrostream.errors import ServiceUnavailable
from petrostream.schema.keys import SUMMARIES

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


class Stored:
    """S3 with some keys, that lists them as S3 does."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)

    def get_paginator(self, _: str) -> "Stored":
        return self

    def paginate(self, **asked: str) -> list[dict[str, object]]:
        after, prefix = asked.get("StartAfter", ""), asked["Prefix"]
        found = sorted(key for key in self.keys if key.startswith(prefix) and key > after)
        folders: set[str] = set()
        if "Delimiter" in asked:
            folders = {f"{prefix}{key.removeprefix(prefix).partition('/')[0]}/" for key in found}
            folders = {each for each in folders if any(key.startswith(each) for key in found)}
            found = [key for key in found if "/" not in key.removeprefix(prefix)]
        return [
            {"CommonPrefixes": [{"Prefix": each} for each in sorted(folders)]},
            {"Contents": [{"Key": key, "LastModified": WRITTEN} for key in found]},
        ]


def odd(date: str, name: str = "odd") -> str:
    return f"{SUMMARIES}date={date}/000000/WELL-1/r/{name}.json"


def test_what_was_refused_of_a_date_that_has_gone_is_not_named_any_more() -> None:
    alone, other, folder = odd("2099-01-01"), odd("2026-11-21"), odd("2026-11-2x")
    client = Stored(alone, other, folder, f"{SUMMARIES}x.json")
    listing = SummaryListing("curated", client)
    listing.batches(SUMMARIES, "")
    assert set(listing.refused) == client.keys
    assert listing.dates() == ["2026-11-21", "2099-01-01"]
    assert set(listing.refused) == client.keys, "they are all there still"
    client.keys.remove(alone)
    assert listing.dates() == ["2026-11-21"]
    assert set(listing.refused) == client.keys
    client.keys.clear()
    assert listing.dates() == []
    assert listing.refused == {}


def test_what_is_refused_is_named_up_to_a_number() -> None:
    client = Stored(*(odd("2099-01-01", f"odd{number}") for number in range(MOST_REFUSED + 1)))
    listing = SummaryListing("curated", client)
    listing.batches(SUMMARIES, "")
    assert len(listing.refused) == MOST_REFUSED
