"""What state CloudWatch gives an alarm, by its documented rules for figures that are missing.

AWS: "Configuring how CloudWatch alarms treat missing data". moto evaluates no alarms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

OK: Final = "OK"
ALARM: Final = "ALARM"
UNKNOWN: Final = "INSUFFICIENT_DATA"

_BEYOND: Final = 2
"""CloudWatch looks at more periods than it evaluates; for three, at five."""

Points = Sequence[float | None]
"""A figure for each period, the oldest first; `None`: there is none."""


@dataclass(frozen=True)
class Rule:
    """An alarm that goes off where the newest `periods` figures all breach."""

    periods: int
    missing: str
    period_seconds: int
    is_above: bool
    threshold: float

    @classmethod
    def of(cls, alarm: dict[str, Any]) -> "Rule":
        """Read it from what `describe_alarms` gives."""
        assert alarm.get("DatapointsToAlarm") in {None, alarm["EvaluationPeriods"]}
        comparison = alarm["ComparisonOperator"]
        assert comparison in {"GreaterThanThreshold", "LessThanThreshold"}
        return cls(
            periods=alarm["EvaluationPeriods"],
            missing=alarm["TreatMissingData"],
            period_seconds=alarm["Period"],
            is_above=comparison == "GreaterThanThreshold",
            threshold=alarm["Threshold"],
        )

    def state(self, points: Points, now: str = UNKNOWN) -> str:
        """The state that follows `now`."""
        seen = points[-self.periods - _BEYOND :]
        breaches = [self._breaches(point) for point in seen if point is not None]
        if len(breaches) >= self.periods:
            return ALARM if all(breaches[-self.periods :]) else OK
        if self.missing == "notBreaching" or not all(breaches):
            return OK
        if self.missing == "breaching":
            return ALARM
        if not breaches:
            return UNKNOWN if self.missing == "missing" else now
        return ALARM if self.missing == "missing" or self._is_old(points) else now

    def _breaches(self, point: float) -> bool:
        return point > self.threshold if self.is_above else point < self.threshold

    def _is_old(self, points: Points) -> bool:
        """Whether the oldest figure evaluated has waited for as long as the alarm does."""
        evaluated = points[-self.periods :]
        return len(evaluated) == self.periods and evaluated[0] is not None


def history(rule: Rule, points: Points) -> list[str]:
    """The state after each period since the alarm was made."""
    states = [UNKNOWN]
    for end in range(1, len(points) + 1):
        states.append(rule.state(points[:end], states[-1]))
    return states[1:]
