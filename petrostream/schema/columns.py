"""The one list of columns: what a raw batch and a scored batch hold, and their Arrow types."""

from typing import Final

import pyarrow as pa

from petrostream.schema.sensors import SENSOR_NAMES

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

WELL: Final = "well"
DATE: Final = "date"

TIMESTAMP_TYPE: Final = pa.timestamp("us")
SECOND: Final = 1_000_000
"""A second in the unit of time stamps."""

LABEL_TYPE: Final = pa.int16()
_CATEGORY: Final = pa.dictionary(pa.int32(), pa.string())

LABEL_COLUMNS: Final = (CLASS, STATE)
READING_SCHEMA: Final = pa.schema(
    [pa.field(TIMESTAMP, TIMESTAMP_TYPE, nullable=False)]
    + [pa.field(name, pa.float64()) for name in SENSOR_NAMES]
    + [pa.field(name, LABEL_TYPE) for name in LABEL_COLUMNS]
)
"""Every column that a recording may have, in order. Time stamps are UTC without a zone."""

SCORED_SCHEMA: Final = pa.schema(
    [
        *READING_SCHEMA,
        pa.field(RECORDING, _CATEGORY, nullable=False),
        pa.field(STATUS, _CATEGORY, nullable=False),
        pa.field(ANOMALY_SCORE, pa.float64()),
        pa.field(ANOMALY_FLAG, pa.int8(), nullable=False),
        pa.field(ALARM, pa.int8(), nullable=False),
        pa.field(TOP_SENSOR, _CATEGORY),
        pa.field(DRIVERS, _CATEGORY, nullable=False),
        pa.field(LIMITS, _CATEGORY, nullable=False),
        pa.field(DEGRADED_SENSORS, _CATEGORY, nullable=False),
    ]
)
"""Every scored object has all of these, in order; `well` and `date` are in its key."""
