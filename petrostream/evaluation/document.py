"""How a published model was evaluated: a document of its own beside the model.

The metrics are of the procedure: each well was judged by a model trained on the other wells. The
model runs without it, and its version does not depend on it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from petrostream.documents import Part
from petrostream.evaluation.judging import RowCounts
from petrostream.evaluation.metrics import DetectionMetrics
from petrostream.schema.keys import NAME_PATTERN
from petrostream.schema.labels import EVENT_NAMES
from petrostream.schema.stored_forms import EVALUATION

PROTOCOL: Final = "leave-one-well-out"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What leaving one well out gave.

    `model_version` is the model's that was evaluated, `evaluated` when (UTC without a zone),
    `data_sha256` the digest of the recordings as training computes it, `wells` how many real ones
    there were. `by_class` has the metrics of each class of recording, 0 to 9.
    """

    model_version: str
    evaluated: datetime
    data_sha256: str
    wells: int
    metrics: DetectionMetrics
    by_class: Mapping[int, DetectionMetrics]


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
            "figures": _of_metrics(document.metrics),
            "by_class": {str(fault): _of_metrics(one) for fault, one in document.by_class.items()},
        }
    return f"{json.dumps(content, indent=1, allow_nan=False)}\n".encode()


def _of_metrics(found: DetectionMetrics) -> dict[str, Any]:
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
    document = EVALUATION.read(data)
    if document["protocol"].text() != PROTOCOL:
        document["protocol"].refuse(f"is another one than {PROTOCOL}")
    version = document["model_version"].text(NAME_PATTERN)
    evaluated = document["evaluated"].moment()
    reason = document.get("reason")
    if reason is not None:
        return NotEvaluated(version, evaluated, _sentence(reason))
    return Evaluation(
        model_version=version,
        evaluated=evaluated,
        data_sha256=document["data_sha256"].text(_SHA256),
        wells=document["wells"].whole(least=0),
        metrics=_metrics(document["figures"]),
        by_class={_fault(name, one): _metrics(one) for name, one in document["by_class"].fields()},
    )


def _metrics(part: Part) -> DetectionMetrics:
    def count(name: str) -> int:
        return part[name].whole(least=0)

    rows, area = part["rows"], part["mean_auc"]
    found = DetectionMetrics(
        recordings=count("recordings"),
        events=count("events"),
        found=count("found"),
        short=count("short"),
        short_found=count("short_found"),
        false_alarms=count("false_alarms"),
        normal_days=part["normal_days"].number(least=0),
        delays=tuple(each.number(least=0) for each in part["delays_s"].entries()),
        rows=RowCounts(*(rows[name].whole(least=0) for name in ("hits", "misses", "false"))),
        mean_auc=None if area.plain is None else area.number(least=0),
    )
    if len(found.delays) != found.found or not found.found <= found.events <= found.recordings:
        part.refuse("has events, those found and their delays that do not agree")
    return found


def _sentence(part: Part) -> str:
    text = part.text()
    if not text.isprintable() or len(text) > LONGEST_REASON:
        part.refuse(f"is no sentence of at most {LONGEST_REASON} characters")
    return text


def _fault(name: str, part: Part) -> int:
    known = {str(fault): fault for fault in EVENT_NAMES}
    if name not in known:
        part.refuse("is of no class of 3W")
    return known[name]
