"""Every call that a command makes fails, or its process is killed there; it is run again, and the
end is the same. What fails is told in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from petrostream.alarms import annotations
from petrostream.errors import PetroStreamError
from tests.support.aws_here import Here
from tests.support.calls import ABSORBED, ALWAYS, FAULTS, ONCE, Fault, Plan, in_turn
from tests.support.commands_here import COMMANDS, CommandHere
from tests.support.killed import KILLED, Death, run

EACH = pytest.mark.parametrize("command", COMMANDS, ids=str)
pytestmark = [
    pytest.mark.usefixtures("remembered", "same_names"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture
def same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations have names by chance; one that is run again is to be the same one."""
    monkeypatch.setattr(annotations.secrets, "token_hex", lambda _: "same")


def calm(command: CommandHere, here: Here, wells: Path) -> tuple[list[str], dict[str, Any]]:
    command.prepare(here)
    before = here.state()
    here.calls.made.clear()
    command.run(here, wells)
    made, state = list(here.calls.made), here.state()
    assert state != before
    return made, state


def until_it_succeeds(work: Callable[[], None]) -> int:
    """Run it as a person does: again where it told an error. Gives how often."""
    try:
        work()
    except PetroStreamError as error:
        told = str(error)
    else:
        return 1
    assert told
    work()
    return 2


@EACH
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_command_that_failed_at_a_call_is_run_again(
    here: Here, wells: Path, command: CommandHere, fault: Fault
) -> None:
    made, state = calm(command, here, wells)
    told = 0
    for call in in_turn(fault, len(made)):
        for attempts in (ONCE, ALWAYS) if fault in ABSORBED else (ALWAYS,):
            command.prepare(here)
            here.calls.made.clear()
            here.calls.plan = Plan(call, fault, attempts)
            failed = here.calls.failed
            times = until_it_succeeds(lambda: command.run(here, wells))
            name = f"{made[call]} (call {call}), {attempts} attempts"
            assert here.calls.failed > failed, f"{name}: it did not happen"
            assert here.state() == state, name
            told += times - 1
    assert told or fault.name.startswith("cut"), "no failure was told"


@EACH
@pytest.mark.parametrize("took_effect", [False, True], ids=["before", "after"])
def test_a_command_that_was_killed_at_a_call_is_run_again(
    here: Here, wells: Path, command: CommandHere, took_effect: bool
) -> None:
    made, state = calm(command, here, wells)
    for call in range(len(made)):
        command.prepare(here)
        death = Death(call, took_effect)
        assert run(here.calls, lambda: command.run(here, wells), death) == KILLED, made[call]
        command.run(here, wells)
        assert here.state() == state, f"{made[call]} (call {call})"
