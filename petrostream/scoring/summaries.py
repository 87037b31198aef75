"""Summaries: what a dashboard needs of a scored batch, without reading its rows.

The figures stand in the key of the summary itself, as a packed record (`FIGURES`) in base64, so
that a listing of keys gives the figures of a thousand batches at a time. The body has what is
wanted of few batches at once: figures of each sensor.

A record as it is stored begins with the 28 sensors of the first generation; what joined the list
of sensors later stands at its end, in as many slots as fill the base64 text (`_stored`).
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from petrostream.detection.degraded import CODES, STATES, Degradation, read_codes
from petrostream.detection.detector import Status
from petrostream.errors import PermanentError
from petrostream.ingest.batches import LONGEST_DAYS
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
from petrostream.schema.sensors import BY_NAME, FIRST_SENSORS, MOST_SENSORS, SENSOR_NAMES
from petrostream.schema.stored_forms import SUMMARY
from petrostream.scoring.score_batch import Counts

FORMAT: Final = SUMMARY.newest
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
"""Their places are codes in stored keys: a new one stands at the end, in a new format."""

_SCORE_STEPS: Final = 64
_DAY_MS: Final = 86_400_000
_SCORE_CODES: Final = 255

ABSENT: Final = SHARES
"""Packed figures of a sensor that a batch does not have: missing in all rows, and in no state."""


def figures_layout(sensors: int) -> list[Any]:
    """The fields of a batch's figures with so many sensors."""
    return [
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
        ("sensors", "<u2", (sensors,)),
        ("labels", [("label", "u1"), ("rows", "<u4"), ("anomalies", "<u4")], (LABELS,)),
        ("model", "V4"),
    ]


FIGURES: Final = np.dtype([*figures_layout(len(SENSOR_NAMES)), ("groups", "u1")])
"""A batch's figures. Times are ms after the second in the key, `NEVER` where there is none.

`alarms` counts the rows in alarm; `worst` is NaN where no row was scored; `ended` is the last
row's status (its place in `STATUSES`), `top_sensor` the place in the list of sensors of the one
that drove most rows in alarm, or most anomalies where none was, `line` the highest score of each
twelfth of the batch's time (`score_of`), `sensors` packs shares and state (`missing_share`,
`frozen_share`, `implausible_share`, `last_state`), `model` has the first eight hexadecimal digits
of the model's version. `groups` is not stored: how much longer the stored record is than one of
the first generation, in groups of three bytes; `_NOT_WHOLE` where that does not give it back.
"""

_FIELDS: Final = tuple(name for name in FIGURES.names or () if name not in {"sensors", "groups"})


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
    figures["groups"] = GROUPS
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


def groups_of(sensors: int) -> int:
    """How many groups of three bytes the sensors take that joined after the first generation."""
    return -(-2 * (sensors - FIRST_SENSORS) // 3)


_NOT_WHOLE: Final = 255
"""Stands for the groups of a record in which a sensor was left out that has figures."""

GROUPS: Final = groups_of(len(SENSOR_NAMES))
_MOST_GROUPS: Final = groups_of(MOST_SENSORS)


def _stored(groups: int) -> np.dtype[Any]:
    """A record as it is stored; text of base64 without padding stands for groups of three bytes."""
    slots, odd = divmod(3 * groups, 2)
    later = [("later", "<u2", (slots,))] if slots else []
    return np.dtype([*figures_layout(FIRST_SENSORS), *later, *([("", "V1")] if odd else [])])


def is_whole(figures: np.ndarray) -> bool:
    """Whether figures are all that their key says, or a later version knew more sensors."""
    return bool(figures["groups"] <= GROUPS)


def encode(figures: np.ndarray) -> str:
    """Write one batch's figures as the text that its summary's key holds.

    Raises
    ------
    PermanentError
        If they are not whole: they were read from a longer text, which can't be had back.
    """
    if not is_whole(figures):
        raise PermanentError("a later version of PetroStream wrote the summary: update PetroStream")
    record = np.zeros((), dtype=_stored(int(figures["groups"])))
    for name in _FIELDS:
        record[name] = figures[name]
    record["sensors"] = figures["sensors"][:FIRST_SENSORS]
    if "later" in (record.dtype.names or ()):
        later = figures["sensors"][FIRST_SENSORS:][: len(record["later"])]
        record["later"] = ABSENT
        record["later"][: len(later)] = later
    return base64.urlsafe_b64encode(record.tobytes()).decode()


def decode(texts: Sequence[str]) -> np.ndarray:
    """Read the figures of many keys at once; each text is a key's last part, without its suffix.

    A sensor that joined after a batch was scored is `ABSENT` in it; one that joined after this
    version of PetroStream is left out.

    Raises
    ------
    PermanentError
        If one was written by something else than PetroStream, or in a format of a later version.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    figures = np.zeros(len(texts), dtype=FIGURES)
    for length in np.unique(lengths).tolist():
        if length == lengths.max() == lengths.min():
            _decode_into(figures, texts, length)
            break
        places = np.flatnonzero(lengths == length)
        some = np.zeros(len(places), dtype=FIGURES)
        _decode_into(some, [texts[place] for place in places.tolist()], length)
        figures[places] = some
    return figures


def _decode_into(figures: np.ndarray, texts: Sequence[str], length: int) -> None:
    """Read figures from texts of one length."""
    groups, rest = divmod(length - FIGURES_TEXT, 4)
    is_known = not rest and 0 <= groups <= _MOST_GROUPS
    dtype = _stored(groups) if is_known else _BEGIN
    try:
        joined = "".join(texts if is_known else (text[:4] for text in texts))
        records = np.frombuffer(base64.b64decode(joined, b"-_", validate=True), dtype)
    except ValueError as error:
        raise PermanentError(f"a summary's key can't be read: {error}") from error
    for found in np.unique(records["format"]).tolist():
        SUMMARY.check({"format": found})
    if not is_known:
        raise PermanentError("a summary's key has figures of another length")
    for name in _FIELDS:
        figures[name] = records[name]
    figures["groups"] = groups
    sensors = figures["sensors"]
    sensors[:, :FIRST_SENSORS] = records["sensors"]
    sensors[:, FIRST_SENSORS:] = ABSENT
    if "later" in (records.dtype.names or ()):
        known, unknown = np.split(records["later"], [sensors.shape[1] - FIRST_SENSORS], axis=1)
        sensors[:, FIRST_SENSORS : FIRST_SENSORS + known.shape[1]] = known
        figures["groups"][(unknown != ABSENT).any(axis=1)] = _NOT_WHOLE
    if faults_of(figures).any():
        raise PermanentError("a summary's key has figures that no scored batch can have")


def faults_of(figures: np.ndarray) -> np.ndarray:
    """Which of many figures are none that a scored batch can have, so that no page shows them."""
    span, alarm = figures["span_ms"], figures["last_alarm_ms"]
    return (
        (figures["format"] > FORMAT)
        | (span > LONGEST_DAYS * _DAY_MS)
        | (figures["ended"] >= len(STATUSES))
        | np.isinf(figures["worst"])
        | ((figures["worst_ms"] > span) & (figures["worst_ms"] != NEVER))
        | ((alarm > span) & ((alarm != NEVER) | (figures["alarms"] > 0)))
        | (last_state(figures["sensors"]) >= len(STATES)).any(axis=-1)
    )


_BEGIN: Final = np.dtype([("format", "u1"), ("", "V2")])
FIGURES_TEXT: Final = _stored(0).itemsize * 4 // 3
"""Length of the text of a record of the first generation."""


def fault_of(text: str) -> str:
    """Why this version can't read a key's last part, without its suffix; empty where it can."""
    try:
        decode([text])
    except PermanentError as error:
        return str(error)
    return ""


def is_readable(text: str) -> bool:
    """Whether this version reads a key's last part, without its suffix."""
    return not fault_of(text)


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
    """How the sensor was at the batch's last row: its code (`petrostream.detection.degraded`)."""
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
        texts = rows.column(DEGRADED_SENSORS)
        frozen = np.zeros(len(SENSOR_NAMES), dtype=int)
        for kind in texts.value_counts().to_pylist():
            codes = read_codes(kind["values"] or "", SENSOR_NAMES)
            frozen += kind["counts"] * (codes == CODES[Degradation.FROZEN])
        return cls(
            missing=np.isnan(readings).sum(axis=0),
            frozen=frozen,
            implausible=((readings < lows) | (readings > highs)).sum(axis=0),
            last=read_codes(texts[-1].as_py() or "", SENSOR_NAMES),
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


def _texts(rows: pa.Table, name: str) -> np.ndarray:
    return np.array([text or "" for text in rows.column(name).to_pylist()], dtype=object)


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
