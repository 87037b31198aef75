"""Summaries: what a dashboard needs of a scored batch, without reading its rows.

The figures stand in the key of the summary itself, as a packed record (`FIGURES`) in base64, so
that a listing of keys gives the figures of a thousand batches at a time. The body has what is
wanted of few batches at once: figures of each sensor.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from petrostream.detection.detector import Status
from petrostream.errors import PermanentError
from petrostream.ingest.readings import microseconds_of, readings_of
from petrostream.schema.columns import (
    ALARM,
    ANOMALY_FLAG,
    ANOMALY_SCORE,
    CLASS,
    DEGRADED_SENSORS,
    STATUS,
    TOP_SENSOR,
)
from petrostream.schema.keys import BatchId
from petrostream.schema.sensors import BY_NAME, SENSOR_NAMES
from petrostream.scoring.score_batch import Counts

FORMAT: Final = 1
LINE_POINTS: Final = 12
LABELS: Final = 4
"""3W has at most four labels within one recording: none, normal, transient and fault."""

NEVER: Final = 2**32 - 1
NO_SENSOR: Final = 255
UNLABELLED: Final = 254
NO_LABEL: Final = 255
SHARES: Final = 15
"""Shares of a batch's rows are kept in fifteenths, rounded up: a few rows are not nothing."""

STATUSES: Final = tuple(Status)
LAST_STATES: Final = ("", "missing", "frozen", "unprofiled", "implausible")
_SCORE_STEPS: Final = 64
_SCORE_CODES: Final = 255

FIGURES: Final = np.dtype(
    [
        ("format", "u1"),
        ("span_ms", "<u4"),
        ("commissioning", "<u4"),
        ("scored", "<u4"),
        ("unscorable", "<u4"),
        ("anomalies", "<u4"),
        ("worst", "<f4"),
        ("worst_ms", "<u4"),
        ("alarms", "<u4"),
        ("last_alarm_ms", "<u4"),
        ("ended", "u1"),
        ("top_sensor", "u1"),
        ("line", "u1", (LINE_POINTS,)),
        ("sensors", "<u2", (len(SENSOR_NAMES),)),
        ("labels", [("label", "u1"), ("rows", "<u4"), ("anomalies", "<u4")], (LABELS,)),
        ("model", "V4"),
    ]
)
"""A batch's figures. Times are ms after the second in the key, `NEVER` where there is none.

`alarms` counts the rows in alarm; `worst` is NaN where no row was scored; `ended` is the last
row's status (its place in `STATUSES`), `top_sensor` the place in the list of sensors of the one
that drove most rows in alarm, or most anomalies where none was, `line` the highest score of each
twelfth of the batch's time (`score_of`), `sensors` packs shares and state (`missing_share`,
`frozen_share`, `implausible_share`, `last_state`), `model` has the first eight hexadecimal digits
of the model's version.
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary as it is stored."""

    key: str
    body: bytes


def summarise(batch: BatchId, rows: pa.Table, counts: Counts, model_version: str) -> Summary:
    """Summarise a scored batch; the same rows always give the same key and bytes.

    `rows` has `SCORED_SCHEMA`'s columns.
    """
    readings = readings_of(rows, SENSOR_NAMES)
    shares = _Quality.of(rows, readings)
    figures = np.zeros((), dtype=FIGURES)
    figures["format"] = FORMAT
    figures["model"] = short_version(model_version)
    for name in ("commissioning", "scored", "unscorable", "anomalies"):
        figures[name] = getattr(counts, name)
    _put_scores(figures, rows, batch)
    figures["sensors"] = shares.packed(rows.num_rows)
    labels = _labels(rows)
    figures["labels"] = _padded(labels)
    document = {
        "format": FORMAT,
        "well": batch.well,
        "recording": batch.recording,
        "model_version": model_version,
        "rows": rows.num_rows,
        "sensors": _of_sensors(readings, shares),
    }
    return Summary(
        key=batch.summary(encode(figures)),
        body=json.dumps(document, sort_keys=True, separators=(",", ":")).encode(),
    )


def encode(figures: np.ndarray) -> str:
    """Write one batch's figures as the text that its summary's key holds."""
    return base64.urlsafe_b64encode(figures.tobytes()).decode()


def decode(texts: Sequence[str]) -> np.ndarray:
    """Read the figures of many keys at once; each text is a key's last part, without its suffix.

    Raises
    ------
    PermanentError
        If one was written by something else than this version of PetroStream.
    """
    length = FIGURES.itemsize * 4 // 3
    if any(len(text) != length for text in texts):
        raise PermanentError("a summary's key has figures of another length")
    try:
        figures = np.frombuffer(base64.b64decode("".join(texts), b"-_", validate=True), FIGURES)
    except ValueError as error:
        raise PermanentError(f"a summary's key can't be read: {error}") from error
    if not (figures["format"] == FORMAT).all():
        raise PermanentError(f"a summary's format is not {FORMAT}")
    return figures


def is_readable(text: str) -> bool:
    """Whether this version reads a key's last part, without its suffix."""
    try:
        decode([text])
    except PermanentError:
        return False
    return True


def score_of(line: np.ndarray) -> np.ndarray:
    """Scores of a score line's codes, to 1/64 and below 4; NaN where nothing was scored."""
    return np.where(line > 0, (line - 1.0) / _SCORE_STEPS, np.nan)


def missing_share(sensors: np.ndarray) -> np.ndarray:
    """Share of rows without a reading, 0 to 1, of packed `sensors`."""
    return (sensors & SHARES) / SHARES


def frozen_share(sensors: np.ndarray) -> np.ndarray:
    """Share of rows in which the detector took the sensor as frozen."""
    return (sensors >> 4 & SHARES) / SHARES


def implausible_share(sensors: np.ndarray) -> np.ndarray:
    """Share of rows whose reading is none that such a sensor can give."""
    return (sensors >> 8 & SHARES) / SHARES


def last_state(sensors: np.ndarray) -> np.ndarray:
    """How the sensor was at the batch's last row: a place in `LAST_STATES`."""
    return sensors >> 12 & 15


def short_version(model_version: str) -> bytes:
    """The version's first digits; of a version that is no hexadecimal number, its checksum."""
    try:
        return bytes.fromhex(model_version[:8].ljust(8, "0"))
    except ValueError:
        return zlib.crc32(model_version.encode()).to_bytes(4, "big")


def _put_scores(figures: np.ndarray, rows: pa.Table, batch: BatchId) -> None:
    times = microseconds_of(rows)
    begin = int(np.datetime64(batch.first_second, "us").astype(np.int64))
    milliseconds = (times - begin) // 1000
    score = rows.column(ANOMALY_SCORE).to_numpy()
    alarming = np.flatnonzero(rows.column(ALARM).to_numpy())
    flagged = np.flatnonzero(rows.column(ANOMALY_FLAG).to_numpy())
    scored = np.flatnonzero(np.isfinite(score))
    figures["span_ms"] = milliseconds[-1]
    figures["ended"] = STATUSES.index(Status(rows.column(STATUS)[-1].as_py()))
    figures["worst"], figures["worst_ms"] = np.nan, NEVER
    figures["last_alarm_ms"], figures["top_sensor"] = NEVER, NO_SENSOR
    if len(scored):
        worst = scored[np.argmax(score[scored])]
        figures["worst"], figures["worst_ms"] = score[worst], milliseconds[worst]
        figures["line"] = _line(milliseconds[scored], score[scored], int(milliseconds[-1]))
    if len(alarming):
        figures["alarms"], figures["last_alarm_ms"] = len(alarming), milliseconds[alarming[-1]]
    if len(alarming) or len(flagged):
        driven = alarming if len(alarming) else flagged
        names, counts = np.unique(_texts(rows, TOP_SENSOR)[driven], return_counts=True)
        top = str(names[np.argmax(counts)])
        figures["top_sensor"] = SENSOR_NAMES.index(top) if top in BY_NAME else NO_SENSOR


def _line(milliseconds: np.ndarray, score: np.ndarray, span: int) -> np.ndarray:
    places = np.minimum(milliseconds * LINE_POINTS // max(span, 1), LINE_POINTS - 1)
    codes = np.clip(np.floor(score * _SCORE_STEPS) + 1, 1, _SCORE_CODES)
    line = np.zeros(LINE_POINTS)
    np.maximum.at(line, places, codes)
    return line.astype("u1")


@dataclass(frozen=True, slots=True)
class _Quality:
    """Rows in which each sensor was missing, frozen or implausible, and its last state."""

    missing: np.ndarray
    frozen: np.ndarray
    implausible: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, rows: pa.Table, readings: np.ndarray) -> "_Quality":
        lows, highs = np.array([BY_NAME[name].plausible for name in SENSOR_NAMES]).T
        texts = _texts(rows, DEGRADED_SENSORS)
        frozen = np.zeros(len(SENSOR_NAMES), dtype=int)
        for text, number in zip(*np.unique(texts, return_counts=True), strict=True):
            frozen += number * (_states(str(text)) == LAST_STATES.index("frozen"))
        return cls(
            missing=np.isnan(readings).sum(axis=0),
            frozen=frozen,
            implausible=((readings < lows) | (readings > highs)).sum(axis=0),
            last=_states(str(texts[-1])),
        )

    def packed(self, rows: int) -> np.ndarray:
        def share(number: np.ndarray) -> np.ndarray:
            return -(-number * SHARES // rows)

        return (
            share(self.missing)
            | share(self.frozen) << 4
            | share(self.implausible) << 8
            | self.last << 12
        )


def _states(degraded: str) -> np.ndarray:
    words = dict(word.split("=", maxsplit=1) for word in degraded.split() if "=" in word)
    known = {name: LAST_STATES.index(why) for name, why in words.items() if why in LAST_STATES}
    return np.array([known.get(name, 0) for name in SENSOR_NAMES])


def _texts(rows: pa.Table, name: str) -> np.ndarray:
    return np.array([text or "" for text in rows.column(name).to_pylist()], dtype=str)


def _labels(rows: pa.Table) -> list[tuple[int, int, int]]:
    """Label, rows and anomalies, the most frequent label first."""
    labels = rows.column(CLASS).fill_null(UNLABELLED).to_numpy()
    flag = rows.column(ANOMALY_FLAG).to_numpy() == 1
    names, counts = np.unique(labels, return_counts=True)
    found = [
        (int(label), int(number), int(flag[labels == label].sum()))
        for label, number in zip(names, counts, strict=True)
        if 0 <= label < NO_LABEL
    ]
    return sorted(found, key=lambda each: (-each[1], each[0]))[:LABELS]


def _padded(labels: list[tuple[int, int, int]]) -> np.ndarray:
    empty = [(NO_LABEL, 0, 0)] * (LABELS - len(labels))
    return np.array(labels + empty, dtype=FIGURES["labels"].base)


def _of_sensors(readings: np.ndarray, quality: _Quality) -> dict[str, dict[str, Any]]:
    """Figures of the sensors that have readings."""
    return {
        name: {
            "readings": int(np.isfinite(values).sum()),
            "min": float(np.nanmin(values)),
            "max": float(np.nanmax(values)),
            "mean": float(f"{np.nanmean(values):.9g}"),
            "frozen": int(quality.frozen[place]),
            "implausible": int(quality.implausible[place]),
        }
        for place, (name, values) in enumerate(zip(SENSOR_NAMES, readings.T, strict=True))
        if np.isfinite(values).any()
    }
