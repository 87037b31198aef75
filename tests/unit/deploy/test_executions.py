"""Before `up`: does the account leave as many executions as the queues may cause?"""

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.account import access, preflight
from deploy.root import Choices
from petrostream.local.resources import MAXIMUM_CONCURRENCY, RETRIES_CONCURRENCY


@dataclass
class LimitedLambda:
    """Lambda in an account with a limit, or one that is not let in."""

    left: int | None

    def get_account_settings(self) -> dict[str, Any]:
        if self.left is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetAccountSettings")
        return {
            "AccountLimit": {
                "ConcurrentExecutions": self.left + 100,
                "UnreservedConcurrentExecutions": self.left,
            }
        }


def choices(maximum: int, reserved: int = -1) -> Choices:
    return Choices("petrostream", "us-east-1", (), 1024, 0, "", maximum, reserved)


@pytest.mark.parametrize(
    ("chosen", "left", "short"),
    [
        (choices(8), 10, None),
        (choices(9), 10, "10 executions of Lambda left side by side, and the queues may cause 11"),
        (choices(11), 13, "may cause 14: what is throttled counts as tried"),
        (choices(8), 9, "has 9 executions"),
        (choices(100), 120, None),
        (choices(100, reserved=120), 10, None),
        (choices(1000), None, None),
    ],
)
def test_too_few_executions_are_said(
    monkeypatch: pytest.MonkeyPatch, chosen: Choices, left: int | None, short: str | None
) -> None:
    monkeypatch.setattr(access, "client", lambda service: {"lambda": LimitedLambda(left)}[service])
    said = preflight.find_shortage(chosen.shared_executions)
    assert (said is None) if short is None else (said is not None and short in said)


def test_both_queues_are_reckoned_as_they_are_made() -> None:
    made = MAXIMUM_CONCURRENCY + RETRIES_CONCURRENCY
    assert choices(MAXIMUM_CONCURRENCY).shared_executions == made <= 10, "a new account has 10"
