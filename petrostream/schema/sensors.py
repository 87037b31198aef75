"""The one list of 3W's sensors: names, units, kinds and what they measure.

Names, order and descriptions follow `dataset.ini` of the 3W dataset, release 2 (27 variables),
and release 1, which had `T-JUS-CKGL` besides (Vargas et al. 2019, table 1).

What is stored counts by places in this list, so it only grows at its end (docs/decisions/0050).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from petrostream.errors import UsageError


class Kind(StrEnum):
    """What a sensor measures; it decides the unit and the smallest change that matters."""

    PRESSURE = "pressure"
    TEMPERATURE = "temperature"
    FLOW = "flow"
    OPENING = "opening"
    VALVE = "valve"


UNITS: Final[dict[Kind, str]] = {
    Kind.PRESSURE: "Pa",
    Kind.TEMPERATURE: "°C",
    Kind.FLOW: "m³/s",
    Kind.OPENING: "%",
    Kind.VALVE: "",
}

RESOLUTION: Final[dict[Kind, float]] = {
    Kind.PRESSURE: 2e4,
    Kind.TEMPERATURE: 0.1,
    Kind.FLOW: 1e-3,
    Kind.OPENING: 0.1,
    Kind.VALVE: 0.1,
}
"""The smallest unit that deviations are measured in: it keeps a very quiet sensor from shouting.

For pressures the step of the wells' own transducers (3W's P-TPT moves in steps of 19,950 Pa), for
temperatures two and a half of theirs (0.039 °C).
"""

PLAUSIBLE: Final[dict[Kind, tuple[float, float]]] = {
    Kind.PRESSURE: (1e3, 1.5e8),
    Kind.TEMPERATURE: (-50.0, 250.0),
    Kind.FLOW: (-1.0, 1e3),
    Kind.OPENING: (-5.0, 105.0),
    Kind.VALVE: (-1.0, 2.0),
}
"""What a sensor can read at all; what lies outside is the sensor's fault, not the well's."""


class Side(StrEnum):
    """Whether a sensor shows what the well gives, or what is done to it."""

    PRODUCTION = "production"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One variable of 3W.

    `generation` says when it joined: the 28 of the start are of the first, each later release
    that adds to what is stored has a generation of its own.
    """

    name: str
    kind: Kind
    description: str
    side: Side = Side.SERVICE
    generation: int = 1

    @property
    def unit(self) -> str:
        """SI unit of the readings (temperatures in °C); empty for valve states."""
        return UNITS[self.kind]

    @property
    def resolution(self) -> float:
        """The smallest unit that deviations are measured in, in `unit`."""
        return RESOLUTION[self.kind]

    @property
    def plausible(self) -> tuple[float, float]:
        """Lowest and highest reading that can be believed, in `unit`."""
        return PLAUSIBLE[self.kind]


FIRST_SENSORS: Final = 28
"""So many sensors are of the first generation, which is closed."""

CLOSED_GENERATION: Final = 2
"""The newest generation that stored columns are of; nothing joins it or an earlier one."""

MOST_SENSORS: Final = 233
"""So many have room in the key of a summary, which S3 limits to 1,024 bytes."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")


def checked(sensors: Sequence[Sensor]) -> tuple[Sensor, ...]:
    """Make sure that a list of sensors can be stored, beside what was stored before it grew.

    Raises
    ------
    UsageError
        If not; the message says which sensor is wrong.
    """
    names = [sensor.name for sensor in sensors]
    if len(sensors) > MOST_SENSORS:
        raise UsageError(f"there are {len(sensors)} sensors; at most {MOST_SENSORS} can be stored")
    for place, sensor in enumerate(sensors):
        if _NAME.fullmatch(sensor.name) is None:
            raise UsageError(
                f"{sensor.name!r} is no name of a sensor: it takes up to 60 letters, digits, "
                "hyphens and underscores, a letter first"
            )
        if sensor.name in names[:place]:
            raise UsageError(f"the sensor {sensor.name} stands twice in the list")
        if (sensor.generation == 1) != (place < FIRST_SENSORS) or sensor.generation < 1:
            raise UsageError(
                f"the sensor {sensor.name} is of generation {sensor.generation}, and stands at "
                f"place {place + 1}: the first {FIRST_SENSORS} are of generation 1 and stay where "
                "they are, a new one stands behind all others with a later generation"
            )
        if 1 < sensor.generation <= CLOSED_GENERATION:
            raise UsageError(
                f"the sensor {sensor.name} is of generation {sensor.generation}, which is closed: "
                f"what is new is of generation {CLOSED_GENERATION + 1} or later"
            )
        if place and sensor.generation < sensors[place - 1].generation:
            raise UsageError(
                f"the sensor {sensor.name} of generation {sensor.generation} stands behind "
                f"{names[place - 1]} of generation {sensors[place - 1].generation}: a new sensor "
                "stands behind all others"
            )
    return tuple(sensors)


SENSORS: Final[tuple[Sensor, ...]] = (
    Sensor("P-PDG", Kind.PRESSURE, "pressure at the permanent downhole gauge", Side.PRODUCTION),
    Sensor(
        "P-TPT",
        Kind.PRESSURE,
        "pressure at the temperature and pressure transducer",
        Side.PRODUCTION,
    ),
    Sensor(
        "T-TPT",
        Kind.TEMPERATURE,
        "temperature at the temperature and pressure transducer",
        Side.PRODUCTION,
    ),
    Sensor(
        "P-MON-CKP", Kind.PRESSURE, "pressure upstream of the production choke", Side.PRODUCTION
    ),
    Sensor(
        "T-JUS-CKP",
        Kind.TEMPERATURE,
        "temperature downstream of the production choke",
        Side.PRODUCTION,
    ),
    Sensor("P-JUS-CKGL", Kind.PRESSURE, "pressure downstream of the gas lift choke"),
    Sensor("T-JUS-CKGL", Kind.TEMPERATURE, "temperature downstream of the gas lift choke"),
    Sensor("QGL", Kind.FLOW, "gas lift flow rate"),
    Sensor("ABER-CKGL", Kind.OPENING, "opening of the gas lift choke"),
    Sensor("ABER-CKP", Kind.OPENING, "opening of the production choke"),
    Sensor("ESTADO-DHSV", Kind.VALVE, "state of the downhole safety valve"),
    Sensor("ESTADO-M1", Kind.VALVE, "state of the production master valve"),
    Sensor("ESTADO-M2", Kind.VALVE, "state of the annulus master valve"),
    Sensor("ESTADO-PXO", Kind.VALVE, "state of the pig-crossover valve"),
    Sensor("ESTADO-SDV-GL", Kind.VALVE, "state of the gas lift shutdown valve"),
    Sensor("ESTADO-SDV-P", Kind.VALVE, "state of the production shutdown valve"),
    Sensor("ESTADO-W1", Kind.VALVE, "state of the production wing valve"),
    Sensor("ESTADO-W2", Kind.VALVE, "state of the annulus wing valve"),
    Sensor("ESTADO-XO", Kind.VALVE, "state of the crossover valve"),
    Sensor("P-ANULAR", Kind.PRESSURE, "pressure in the well annulus"),
    Sensor("P-JUS-BS", Kind.PRESSURE, "pressure downstream of the service pump"),
    Sensor(
        "P-JUS-CKP", Kind.PRESSURE, "pressure downstream of the production choke", Side.PRODUCTION
    ),
    Sensor("P-MON-CKGL", Kind.PRESSURE, "pressure upstream of the gas lift choke"),
    Sensor(
        "P-MON-SDV-P",
        Kind.PRESSURE,
        "pressure upstream of the production shutdown valve",
        Side.PRODUCTION,
    ),
    Sensor(
        "PT-P", Kind.PRESSURE, "pressure downstream of the production wing valve", Side.PRODUCTION
    ),
    Sensor("QBS", Kind.FLOW, "flow rate at the service pump"),
    Sensor(
        "T-MON-CKP",
        Kind.TEMPERATURE,
        "temperature upstream of the production choke",
        Side.PRODUCTION,
    ),
    Sensor(
        "T-PDG", Kind.TEMPERATURE, "temperature at the permanent downhole gauge", Side.PRODUCTION
    ),
)

checked(SENSORS)

SENSOR_NAMES: Final[tuple[str, ...]] = tuple(sensor.name for sensor in SENSORS)
DOWNHOLE_GAUGE: Final = "P-PDG"
"""Upstream of every valve: its pressure rises when less flows, the others' when more does."""

BY_NAME: Final[dict[str, Sensor]] = {sensor.name: sensor for sensor in SENSORS}
