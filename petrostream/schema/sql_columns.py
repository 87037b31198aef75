"""What SQL sees of the curated data: columns of tables, made from the one list of columns.

``python -m petrostream.schema.sql_columns`` prints what Terraform makes the tables from.
"""

import json
import sys
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from petrostream.schema.columns import (
    ALARM,
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    CLASS,
    DEGRADED_SENSORS,
    DRIVERS,
    LIMITS,
    MICROSECONDS,
    RECORDING,
    SCORED_TIME_TYPE,
    STATE,
    STATUS,
    TIMESTAMP,
    TOP_SENSOR,
    scored_schema,
    sql_name,
)
from petrostream.schema.sensors import SENSORS, Sensor

_TYPES: Final[dict[pa.DataType, str]] = {
    SCORED_TIME_TYPE: "timestamp",
    pa.float64(): "double",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.string(): "string",
}

_COMMENTS: Final[dict[str, str]] = {
    TIMESTAMP: "when the reading was taken, UTC",
    CLASS: "3W label: 0 normal, 1-9 fault, 101-109 transient to it",
    STATE: "3W operational state of the well",
    RECORDING: "continuous 3W instance",
    STATUS: "commissioning, scored or unscorable",
    ANOMALY_SCORE: "1 is the threshold",
    ANOMALY_FLAG: "1 from the threshold on, else 0",
    ALARM: "1 while an alarm is on, else 0",
    TOP_SENSOR: "sensor that drives the score most",
    DRIVERS: "sensors that drive the score, and by how many percent",
    LIMITS: "engineering limits that the row passes",
    DEGRADED_SENSORS: "sensors left out, and why",
    MICROSECONDS: "when the reading was taken: microseconds after timestamp, 0 to 999",
}


def scored_columns(sensors: Sequence[Sensor] = SENSORS) -> list[dict[str, str]]:
    """Columns of the table `scored`, in the order in which they stand in every scored object."""
    comments = _COMMENTS | {sensor.name: _of_sensor(sensor) for sensor in sensors}
    return [
        {"name": sql_name(field.name), "type": _sql_type(field), "comment": comments[field.name]}
        for field in scored_schema(sensors)
    ]


def _sql_type(field: pa.Field) -> str:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return _TYPES[kind]


def _of_sensor(sensor: Sensor) -> str:
    return f"{sensor.description}, {sensor.unit}" if sensor.unit else sensor.description


def columns_text() -> str:
    """The columns as JSON."""
    return json.dumps(scored_columns(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(columns_text())
