"""Units for people: what is stored in SI, on the scale that an operator reads.

A sensor of a later version of PetroStream, which drives an alarm say, has its name alone.
"""

from dataclasses import dataclass
from typing import Final

from petrostream.schema.sensors import BY_NAME, Kind


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit to show, and what a stored value is multiplied by to get there."""

    unit: str
    factor: float = 1.0


_SCALES: Final = {Kind.PRESSURE: Scale("MPa", 1e-6)}


def scale_of(sensor: str) -> Scale:
    """The scale that a sensor is shown on; as stored where that is readable."""
    known = BY_NAME.get(sensor)
    return _SCALES.get(known.kind, Scale(known.unit)) if known else Scale("")


def labelled(sensor: str) -> str:
    """A sensor's name with the unit that it is shown in.

    >>> labelled("P-PDG")
    'P-PDG (MPa)'
    """
    unit = scale_of(sensor).unit
    return f"{sensor} ({unit})" if unit else sensor


def spelled_out(sensor: str) -> str:
    """A sensor's name and what it measures.

    >>> spelled_out("QGL")
    'QGL, gas lift flow rate'
    """
    known = BY_NAME.get(sensor)
    return f"{sensor}, {known.description}" if known else sensor
