"""The one list of columns: what a raw batch and a scored batch hold, and their Arrow types.

SQL on AWS reads a scored batch's columns by position (docs/decisions/0014). So their order only
grows at its end: by generations, and within one its sensors first (docs/decisions/0050).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from petrostream.errors import UsageError
from petrostream.schema.sensors import SENSORS, Sensor

TIMESTAMP: Final = "timestamp"
CLASS: Final = "class"
STATE: Final = "state"
IS_LOOKBACK: Final = "is_lookback"

RECORDING: Final = "recording"
STATUS: Final = "status"
ANOMALY_SCORE: Final = "anomaly_score"
ANOMALY_FLAG: Final = "anomaly_flag"
ALARM: Final = "alarm"
TOP_SENSOR: Final = "top_sensor"
DRIVERS: Final = "drivers"
LIMITS: Final = "limits"
DEGRADED_SENSORS: Final = "degraded_sensors"
MICROSECONDS: Final = "microseconds"
"""What a scored row's time stamp leaves out, which SQL reads to the millisecond only."""

WELL: Final = "well"
DATE: Final = "date"

TIMESTAMP_TYPE: Final = pa.timestamp("us")
SECOND: Final = 1_000_000
"""A second in the unit of time stamps."""

SCORED_TIME_TYPE: Final = pa.timestamp("ms")
"""Time stamps of scored rows: Athena documents failures for finer ones (docs/decisions/0068)."""

MICROSECONDS_TYPE: Final = pa.int16()
"""0 to 999."""

LABEL_TYPE: Final = pa.int16()
_CATEGORY: Final = pa.dictionary(pa.int32(), pa.string())

LABEL_COLUMNS: Final = (CLASS, STATE)
_TIME_FIELD: Final = pa.field(TIMESTAMP, TIMESTAMP_TYPE, nullable=False)
_SCORED_TIME_FIELD: Final = pa.field(TIMESTAMP, SCORED_TIME_TYPE, nullable=False)
_LABEL_FIELDS: Final = tuple(pa.field(name, LABEL_TYPE) for name in LABEL_COLUMNS)
_NO_SENSORS: Final[tuple[tuple[int, pa.Field], ...]] = (
    *((1, field) for field in _LABEL_FIELDS),
    (1, pa.field(RECORDING, _CATEGORY, nullable=False)),
    (1, pa.field(STATUS, _CATEGORY, nullable=False)),
    (1, pa.field(ANOMALY_SCORE, pa.float64())),
    (1, pa.field(ANOMALY_FLAG, pa.int8(), nullable=False)),
    (1, pa.field(ALARM, pa.int8(), nullable=False)),
    (1, pa.field(TOP_SENSOR, _CATEGORY)),
    (1, pa.field(DRIVERS, _CATEGORY, nullable=False)),
    (1, pa.field(LIMITS, _CATEGORY, nullable=False)),
    (1, pa.field(DEGRADED_SENSORS, _CATEGORY, nullable=False)),
    (2, pa.field(MICROSECONDS, MICROSECONDS_TYPE, nullable=False)),
)
"""What a scored batch holds besides time and sensors: the generation that each joined in."""


def sql_name(column: str) -> str:
    """A column's name in SQL: lower case, and no hyphen, which Athena does not take."""
    return column.lower().replace("-", "_")


def reading_schema(sensors: Sequence[Sensor]) -> pa.Schema:
    """Every column that a recording may have, in order. Time stamps are UTC without a zone."""
    return pa.schema([_TIME_FIELD, *map(_of_sensor, sensors), *_LABEL_FIELDS])


def scored_schema(sensors: Sequence[Sensor]) -> pa.Schema:
    """Every column of a scored object, in order; `well` and `date` are in its key.

    A row's time is its time stamp, to the millisecond, and its microseconds.

    Objects that were written before a sensor joined lack its column at the end.

    Raises
    ------
    UsageError
        If SQL can't tell a sensor from another column, one of raw batches or of keys included.
    """
    joined = [(sensor.generation, _of_sensor(sensor)) for sensor in sensors]
    in_turn = sorted([*joined, *_NO_SENSORS], key=lambda each: each[0])
    schema = pa.schema([_SCORED_TIME_FIELD, *(field for _, field in in_turn)])
    names = Counter(map(sql_name, [*schema.names, IS_LOOKBACK, WELL, DATE]))
    repeated = sorted(name for name in schema.names if names[sql_name(name)] > 1)
    if repeated:
        raise UsageError(f"SQL can't tell columns apart: {', '.join(repeated)}")
    return schema


def _of_sensor(sensor: Sensor) -> pa.Field:
    return pa.field(sensor.name, pa.float64())


READING_SCHEMA: Final = reading_schema(SENSORS)
SCORED_SCHEMA: Final = scored_schema(SENSORS)
