"""Values of options are read, or refused in a sentence."""

import click
import pytest

from console.options import AMOUNT, COUNT


def test_a_whole_number_may_be_as_long_as_it_likes() -> None:
    """It is beyond what a float holds."""
    assert COUNT.convert(f"{10**400}", None, None) == 10**400


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e999", "-1", ""])
def test_an_amount_is_a_number_from_0_on(text: str) -> None:
    with pytest.raises(click.BadParameter, match="takes a number from 0 on, not"):
        AMOUNT.convert(text, None, None)
