"""Ages, times and advice are said as people say them."""

from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dashboard.shell.fault_advice import advice
from dashboard.ui.wording import ago, span
from petrostream.errors import PetroStreamError, ServiceUnavailable, SettingsError

NOW = datetime(2026, 11, 21, 2, 30)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "0 s ago"),
        (timedelta(seconds=119), "119 s ago"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(minutes=119), "119 min ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=729), "729 days ago"),
        (timedelta(days=8 * 366), "8 years ago"),
        (timedelta(seconds=-1), "in the future"),
    ],
)
def test_ages(age: timedelta, words: str) -> None:
    assert ago(NOW - age, NOW) == words


def test_a_span_over_midnight_names_both_days() -> None:
    assert span(NOW, NOW + timedelta(hours=1)) == "2026-11-21 02:30 to 03:30"
    assert span(NOW, NOW + timedelta(days=1)) == "2026-11-21 02:30 to 2026-11-22 02:30"


def caused(error: Exception) -> PetroStreamError:
    fault = ServiceUnavailable("what AWS said: <b>![](http://example.com/)</b>")
    fault.__cause__ = error
    return fault


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SettingsError("PETROSTREAM_CURATED_BUCKET not set"), "`petrostream up`"),
        (caused(EndpointConnectionError(endpoint_url="http://127.0.0.1:1")), "does not answer"),
        (caused(ClientError({"Error": {"Code": "NoSuchBucket"}}, "List")), "does not exist"),
        (caused(ClientError({"Error": {"Code": "AccessDenied"}}, "List")), "s3:ListBucket"),
        (caused(ClientError({"Error": {"Code": "SlowDown"}}, "List")), "try again"),
        (ServiceUnavailable("something"), "try again"),
    ],
)
def test_advice_says_what_to_do_and_repeats_nothing_from_outside(
    error: PetroStreamError, words: str
) -> None:
    assert words in advice(error)
    assert str(error) not in advice(error)
