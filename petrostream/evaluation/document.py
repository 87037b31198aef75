"""How a published model was evaluated: a document of its own beside the model.

The figures are of the procedure: each well was judged by a model trained on the other wells. The
model runs without it, and its version does not depend on it.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from petrostream.errors import InvalidEvaluation
from petrostream.evaluation.judging import RowCounts
from petrostream.evaluation.metrics import Figures
from petrostream.schema.keys import NAME_PATTERN
from petrostream.schema.labels import EVENT_NAMES
from petrostream.schema.stored_forms import EVALUATION

PROTOCOL: Final = "leave-one-well-out"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
LONGEST_REASON: Final = 500
_MOST_DELAYS: Final = 100_000
_DAMAGES: Final = (
    *(ValueError, KeyError, TypeError, AttributeError),
    *(OverflowError, RecursionError),
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What leaving one well out gave.

    `model_version` is the model's that was evaluated, `evaluated` when (UTC without a zone),
    `data_sha256` the digest of the recordings as training computes it, `wells` how many real ones
    there were. `by_class` has the figures of each class of recording, 0 to 9.
    """

    model_version: str
    evaluated: datetime
    data_sha256: str
    wells: int
    figures: Figures
    by_class: Mapping[int, Figures]


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """Why the recordings of a model's training could not be evaluated, in a sentence."""

    model_version: str
    evaluated: datetime
    reason: str


def to_json(document: Evaluation | NotEvaluated) -> bytes:
    """Write the document."""
    head = {
        "format": EVALUATION.newest,
        "model_version": document.model_version,
        "evaluated": f"{document.evaluated:{_TIME}}",
        "protocol": PROTOCOL,
    }
    content: dict[str, Any]
    if isinstance(document, NotEvaluated):
        content = {**head, "reason": document.reason}
    else:
        content = {
            **head,
            "data_sha256": document.data_sha256,
            "wells": document.wells,
            "figures": _of_figures(document.figures),
            "by_class": {str(fault): _of_figures(one) for fault, one in document.by_class.items()},
        }
    return f"{json.dumps(content, indent=1, allow_nan=False)}\n".encode()


def _of_figures(found: Figures) -> dict[str, Any]:
    """What `from_json` reads, and beside it what follows from it, for whoever looks."""
    rows = found.rows
    return {
        "recordings": found.recordings,
        "events": found.events,
        "found": found.found,
        "short": found.short,
        "short_found": found.short_found,
        "false_alarms": found.false_alarms,
        "normal_days": found.normal_days,
        "delays_s": list(found.delays),
        "rows": {"hits": rows.hits, "misses": rows.misses, "false": rows.false},
        "mean_auc": found.mean_auc,
        "false_alarms_per_well_day": found.false_alarms_a_day,
        "median_detection_delay_s": found.median_delay,
        "p90_detection_delay_s": found.slow_delay,
        "row_precision": rows.precision,
        "row_recall": rows.recall,
        "row_f1": rows.f1,
    }


def from_json(data: bytes) -> Evaluation | NotEvaluated:
    """Read the document; nothing in it is trusted.

    Raises
    ------
    InvalidEvaluation
        If it is damaged, or was written by something else than this version of PetroStream.
    """
    try:
        document = json.loads(data)
        EVALUATION.check(document)
        if document["protocol"] != PROTOCOL:
            raise ValueError(f"it does not follow the protocol {PROTOCOL}")
        version = _matching(NAME_PATTERN, document["model_version"])
        evaluated = datetime.strptime(document["evaluated"], _TIME)
        if "reason" in document:
            return NotEvaluated(version, evaluated, _sentence(document["reason"]))
        return Evaluation(
            model_version=version,
            evaluated=evaluated,
            data_sha256=_matching(_SHA256, document["data_sha256"]),
            wells=_count(document["wells"]),
            figures=_figures(document["figures"]),
            by_class={_fault(fault): _figures(one) for fault, one in document["by_class"].items()},
        )
    except _DAMAGES as error:
        raise InvalidEvaluation(f"the evaluation can't be read: {error}") from error


def _figures(document: Mapping[str, Any]) -> Figures:
    delays, rows = document["delays_s"], document["rows"]
    if not isinstance(delays, list) or len(delays) > _MOST_DELAYS:
        raise ValueError("its delays are no list")
    area = document["mean_auc"]
    found = Figures(
        recordings=_count(document["recordings"]),
        events=_count(document["events"]),
        found=_count(document["found"]),
        short=_count(document["short"]),
        short_found=_count(document["short_found"]),
        false_alarms=_count(document["false_alarms"]),
        normal_days=_amount(document["normal_days"]),
        delays=tuple(_amount(each) for each in delays),
        rows=RowCounts(*(_count(rows[name]) for name in ("hits", "misses", "false"))),
        mean_auc=None if area is None else _amount(area),
    )
    if len(found.delays) != found.found or not found.found <= found.events <= found.recordings:
        raise ValueError("its events, those found and their delays do not agree")
    return found


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _amount(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r} is no amount")
    return float(value)


def _matching(pattern: "re.Pattern[str]", value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not what stands there")
    return value


def _sentence(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_REASON:
        raise ValueError("its reason is no sentence")
    return value


def _fault(name: str) -> int:
    fault = int(name)
    if fault not in EVENT_NAMES:
        raise ValueError(f"{name!r} is no class of 3W")
    return fault
