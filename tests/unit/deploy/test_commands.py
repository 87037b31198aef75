"""The platform's commands know the same words as what they call."""

from deploy.commands import PROVISIONING, up
from deploy.embedded import Provisioning
from petrostream.local.stack import StackOptions


def test_the_ways_of_provisioning_are_those_there_are() -> None:
    assert set(PROVISIONING) == {way.value for way in Provisioning}


def test_the_usual_number_of_slots_is_the_stacks() -> None:
    [slots] = [option for option in up.params if option.name == "slots"]
    assert slots.default == StackOptions().slots
