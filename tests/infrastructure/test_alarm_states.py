"""When the alarms go off: CloudWatch's rules, and what Terraform makes held against them."""

from dataclasses import replace

import pytest

from tests.infrastructure._alarm_states import ALARM, OK, UNKNOWN, Points, Rule, history
from tests.infrastructure.conftest import Terraformed

HOUR = 12  # periods of five minutes
RULE = Rule(periods=3, missing="missing", period_seconds=300, is_above=True, threshold=0)

_, X = None, 1.0


@pytest.mark.parametrize(
    ("points", "missing", "ignore", "breaching", "not_breaching"),
    [
        ([0, _, X, _, X], OK, OK, OK, OK),
        ([0, _, _, _, _], OK, OK, OK, OK),
        ([_, _, _, _, _], UNKNOWN, "as before", ALARM, OK),
        ([0, X, X, _, X], ALARM, ALARM, ALARM, ALARM),
        ([_, _, _, _, X], ALARM, "as before", ALARM, OK),
    ],
)
def test_figures_that_are_missing_count_as_aws_documents(
    points: Points, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    """The table of AWS's page, for three of three."""
    expected = {"missing": missing, "ignore": ignore, "breaching": breaching}
    for treatment, state in {**expected, "notBreaching": not_breaching}.items():
        for now in (OK, ALARM, UNKNOWN):
            found = replace(RULE, missing=treatment).state(points, now)
            assert found == (now if state == "as before" else state), (treatment, now)


@pytest.fixture
def rules(terraformed: Terraformed) -> dict[str, Rule]:
    """The alarms as they stand in the account."""
    alarms = terraformed.alarms
    return {one["AlarmName"].removeprefix("petrostream-"): Rule.of(one) for one in alarms}


@pytest.mark.parametrize("first_figures_after", [0, 1, 3, HOUR, 3 * HOUR])
def test_a_new_stack_says_nothing_of_silence_in_its_first_hour(
    rules: dict[str, Rule], first_figures_after: int
) -> None:
    """SQS may take a quarter of an hour to report a new queue, and says 0 from then on."""
    rule = rules["no-data"]
    assert rule.period_seconds * HOUR == 3600
    points = [None] * first_figures_after + [0.0] * 2 * HOUR
    states = history(rule, points)
    assert ALARM not in states[: HOUR - 1]
    assert states.index(ALARM) == first_figures_after + HOUR - 1, "silence is never told"


def test_a_well_that_stops_is_told_after_an_hour_and_again_when_it_sends(
    rules: dict[str, Rule],
) -> None:
    points = [4.0] * 5 + [0.0] * HOUR + [3.0, 0.0]
    states = history(rules["no-data"], points)
    assert states == [OK] * (5 + HOUR - 1) + [ALARM, OK, OK]


def test_figures_that_come_late_change_nothing(rules: dict[str, Rule]) -> None:
    states = history(rules["no-data"], [4.0, None, 2.0, None, None, 5.0, None])
    assert set(states) == {OK}
    silent = [0.0] * HOUR + [None, None, 0.0, None]
    assert set(history(rules["no-data"], silent)[HOUR - 1 :]) == {ALARM}


def test_no_other_alarm_goes_off_before_there_are_figures(rules: dict[str, Rule]) -> None:
    for name, rule in rules.items():
        assert ALARM not in history(rule, [None] * HOUR), name
