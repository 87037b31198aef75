"""The function's process is killed before or after each of its calls, and a fresh one does the
work again: the end is the same, no event goes without its alert."""

import pytest

from tests.support.aws_here import Here
from tests.support.function import ExecutionEnvironment, WaitingMessages
from tests.support.killed import KILLED, Death, run

PUBLISH = "sns.Publish"
pytestmark = [
    pytest.mark.usefixtures("remembered"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def deliver(here: Here, messages: WaitingMessages, death: Death | None = None) -> int:
    """Hand what waits to a fresh process of the function; if it dies, everything comes back."""
    event = messages.event()

    def work() -> None:
        function = ExecutionEnvironment(here.handler, here.settings)
        assert not function.invoke(event)
        if not death:
            here.try_alone(function)

    code = run(here.calls, work, death)
    if code == 0:
        messages.done(set())
    return code


@pytest.mark.parametrize("took_effect", [False, True], ids=["before", "after"])
def test_whoever_comes_after_a_death_ends_where_a_calm_one_does(
    here: Here, took_effect: bool
) -> None:
    here.begin()
    # what is computed now is there for every child
    assert not here.environment().invoke(here.messages().event())
    made, state, alerts = list(here.calls.made), here.state(), here.alerts()
    assert alerts
    twice = 0
    for attempt, call in enumerate(made):
        here.as_if_nothing_was_scored()
        messages = here.messages()
        assert deliver(here, messages, Death(attempt, took_effect)) == KILLED, call
        assert deliver(here, messages) == 0, call
        assert here.state() == state, f"{call} (call {attempt})"
        assert set(here.alerts()) == set(alerts), f"{call} (call {attempt})"
        again = len(here.alerts()) - len(alerts)
        is_between = (call == PUBLISH and took_effect) or (
            attempt > 0 and made[attempt - 1] == PUBLISH and not took_effect
        )
        assert again == int(is_between), f"{call} (call {attempt})"
        twice += again
    assert twice == len(alerts), "only a death between the message and its mark repeats one"
