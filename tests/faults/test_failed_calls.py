"""Every call that scoring makes fails once, before or after it took effect: the end is the same."""

import json
from collections import Counter

import pytest

from tests.support.aws_here import Here
from tests.support.calls import ABSORBED, ALWAYS, FAULTS, ONCE, Fault, Plan, in_turn
from tests.support.function import WaitingMessages

MOST_ROUNDS = 3
PUBLISH = "sns.Publish"
MEANT = {
    "ssm.GetParameter",
    "s3.GetObject",
    "s3.HeadObject",
    "s3.PutObject",
    "s3.CopyObject",
    PUBLISH,
    "glue.GetTable",
    "glue.BatchCreatePartition",
}


def score(here: Here, plan: Plan | None = None) -> tuple[int, WaitingMessages]:
    """Score everything there is, in one warm function; gives how often messages were delivered."""
    here.as_if_nothing_was_scored()
    messages = here.messages()
    function = here.environment()
    here.calls.plan = plan
    here.calls.made.clear()
    rounds = 0
    while messages.waiting and rounds < MOST_ROUNDS:
        rounds += 1
        messages.done(function.invoke(messages.event()))
        here.calls.plan = None if rounds == 1 else here.calls.plan
    here.try_alone(function)
    return rounds, messages


def calm(here: Here) -> tuple[list[str], dict[str, object], list[str]]:
    here.begin()
    rounds, messages = score(here)
    assert rounds == 1 and not messages.waiting
    made = list(here.calls.made)
    assert set(made) >= MEANT
    alerts = here.alerts()
    assert len(alerts) == made.count(PUBLISH) > 0
    return made, here.state(), alerts


def check(here: Here, plan: Plan, made: list[str], state: object, alerts: list[str]) -> int:
    failed_before = here.calls.failed
    rounds, messages = score(here, plan)
    name = f"{made[plan.call]} (call {plan.call}) {plan.fault} {plan.attempts}"
    assert here.calls.failed > failed_before, f"{name} did not happen"
    assert not messages.waiting and not messages.dead, name
    assert here.state() == state, name
    sent = Counter(here.alerts())
    assert set(sent) == set(alerts), name
    may_repeat = here.calls.made[plan.call] == PUBLISH and plan.fault.took_effect
    if not may_repeat and not follows_a_publication(made, plan.call):
        assert max(sent.values()) == 1, name
    return rounds


def follows_a_publication(made: list[str], call: int) -> bool:
    """Whether the call marks an alert as sent: without the mark it goes out again."""
    return call > 0 and made[call - 1] == PUBLISH


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_call_that_fails_for_good_leaves_its_messages_to_the_queue(
    here: Here, fault: Fault
) -> None:
    made, state, alerts = calm(here)
    assert json.loads(alerts[0])["well"]
    rounds = [
        check(here, Plan(call, fault, ALWAYS), made, state, alerts)
        for call in in_turn(fault, len(made))
    ]
    assert max(rounds) == 2, "no failure came to the queue"


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("fault", ABSORBED, ids=str)
def test_a_call_that_fails_once_is_made_again(here: Here, fault: Fault) -> None:
    made, state, alerts = calm(here)
    rounds = [
        check(here, Plan(call, fault, ONCE), made, state, alerts) for call in range(len(made))
    ]
    assert rounds.count(1) > len(made) // 2, "botocore's own retries absorb most of them"
