"""An alarm in words and marks, the same on every page."""

from typing import Final

from dashboard.alarms.alarm import Alarm, Severity
from petrostream.durations import duration

SEVERITY_MARKS: Final = {
    Severity.HIGH: ("▲ high", "#c92a2a"),
    Severity.MEDIUM: ("◆ medium", "#b35c00"),
    Severity.LOW: ("● low", "#1864ab"),
}
_WORTH_NAMING: Final = 0.005
_MARKDOWN_COLOURS: Final = {
    Severity.HIGH: "red",
    Severity.MEDIUM: "orange",
    Severity.LOW: "blue",
}


def name_of(alarm: Alarm) -> str:
    """What an alarm is called in the address."""
    return f"{alarm.event.well}/{alarm.event.recording}/{alarm.event.start}"


def drivers_in_words(alarm: Alarm) -> str:
    """What drives an alarm, with shares, and the engineering limits that were passed."""
    event = alarm.event
    drivers = [(name, event.shares[name]) for name in event.drivers]
    shares = ", ".join(f"{name} ({share:.0%})" for name, share in drivers if share >= _WORTH_NAMING)
    limits = ", ".join(alarm.limits)
    return f"{shares}; limits passed: {limits}" if limits else shares


def described(alarm: Alarm) -> str:
    """An alarm in words, as Markdown: how bad, how long, how high, and what drives it."""
    mark, _ = SEVERITY_MARKS[alarm.severity]
    severity = f":{_MARKDOWN_COLOURS[alarm.severity]}[**{mark}**]"
    return (
        f"{severity}, lasted {duration(alarm.event.seconds)}, score up to "
        f"{alarm.event.peak_score:.2f}, driven by {drivers_in_words(alarm)}"
    )
