"""An alarm in words and marks, the same on every page."""

from typing import Final

from dashboard.alarms.alarm import Alarm, Severity

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


def lasted(seconds: float) -> str:
    """How long something lasted.

    >>> lasted(5), lasted(125), lasted(7380)
    ('5 s', '2 min 5 s', '2 h 3 min')
    """
    whole = int(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004 - seconds in an hour
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


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
        f"{severity}, lasted {lasted(alarm.event.seconds)}, score up to "
        f"{alarm.event.peak_score:.2f}, driven by {drivers_in_words(alarm)}"
    )
