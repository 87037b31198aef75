"""Every reader of a document that comes from outside a process, with a good document of its kind.

`READERS` is what fuzzing goes through: `read` takes any bytes and may raise `PetroStreamError`
and nothing else. What it accepts it also uses, as a page or a command would.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from dashboard.alarms.alarm import Alarm
from dashboard.alarms.wording import described
from dashboard.curated.batches import ListedKey, Names, parse
from dashboard.curated.listing_cache import KeptListing, ListingCache
from dashboard.views.accuracy.model_evaluation import published
from dashboard.views.pipeline.dead_letters import explained_body
from deploy.terraform import diagnosis
from ml.upkeep.engineering_limits import read_limits
from petrostream import settings
from petrostream.alarms import annotations, events, notify
from petrostream.detection import profiles
from petrostream.documents import read_json
from petrostream.evaluation import document as evaluation
from petrostream.ingest import batches, claims, recordings
from petrostream.ingest.notifications import announced_objects
from petrostream.registry.model_files import Pointer, sha256, unpack
from petrostream.schema.keys import parse_batch_key
from petrostream.schema.stored_forms import QUARANTINE_REASON, SUMMARY
from petrostream.scoring import score_batch, summaries
from petrostream.settings import PROJECT_ROOT

STORED = PROJECT_ROOT / "tests" / "fixtures" / "stored"
NOW = datetime(2024, 1, 1)
DATE = "2024-01-01"
CLAIM = claims.Claim(
    "WELL-00001", "R", "replayed", "ab" * 32, 7200, 0, 7_199_000_000, 600, 900, 2700, "ana", "now"
)
PLACE = "http://127.0.0.1:4566 curated"


@dataclass(frozen=True)
class Reader:
    """Reads bytes of one kind; `good` is a document that it accepts."""

    read: Callable[[bytes], object]
    good: bytes


def stored(pattern: str) -> bytes:
    return next(iter(sorted(STORED.glob(pattern)))).read_bytes()


def message(data: bytes) -> object:
    found = list(announced_objects(text_of(data), "raw"))
    return found, explained_body(text_of(data), "raw", lambda key: parse_batch_key(key).well)


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def event_document(data: bytes) -> object:
    runs, gap = events.from_json(data)
    return [described(Alarm(each)) for each in events.join(runs, gap)]


def annotation(data: bytes) -> object:
    return annotations.to_csv([annotations.from_json(data)])


def claim(data: bytes) -> object:
    return notify._state(data, "alerts/key")


def recording_claim(data: bytes) -> object:
    found = claims.from_json(data)
    return found.made, found.differences(CLAIM), CLAIM.differences(found)


def profile(data: bytes) -> object:
    found = profiles.from_json(data)
    return found.restlessness, profiles.to_json(found)


def later_profiles(data: bytes) -> object:
    return profiles.in_force(profiles.list_from_json(data), 2**60)


def pointer(data: bytes) -> object:
    return Pointer.from_json(text_of(data))


def manifest(data: bytes) -> object:
    return unpack(Pointer("v", sha256(data)), data, stored("models/models/*/forest.npz"))


class Registry:
    """A registry whose current model's manifest is given."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def pointer(self) -> Pointer:
        return Pointer("v", "0" * 64)

    def manifest(self, _version: str) -> bytes:
        return self._body

    def evaluation(self, _version: str) -> bytes:
        return self._body


def looked_at(data: bytes) -> object:
    return published(Registry(data))  # type: ignore[arg-type] # what the page asks of it


def evaluated(data: bytes) -> object:
    found = evaluation.from_json(data)
    rows = getattr(found, "metrics", None)
    return evaluation.to_json(found), rows and rows.median_delay


def reason(data: bytes) -> object:
    return QUARANTINE_REASON.read(data)["reason"].text()


def summary(data: bytes) -> object:
    sensors = SUMMARY.read(data)["sensors"]
    return {name: [each.number() for _, each in part.fields()] for name, part in sensors.fields()}


def summary_key(data: bytes) -> object:
    listed = [ListedKey(text_of(data), NOW)]
    found = parse(listed, Names(), Names())
    return [summaries.encode(each) for each in found["figures"] if summaries.is_whole(each)]


def batch_key(data: bytes) -> object:
    return parse_batch_key(text_of(data)).path


def raw_facts(data: bytes) -> object:
    return batches._facts(pa.schema([], {b"petrostream": data}))


def scored_facts(data: bytes) -> object:
    schema = pa.schema([], {b"petrostream": data})
    return score_batch.counts_of(schema), score_batch.model_version_of(schema)


def pandas_facts(data: bytes) -> object:
    return recordings._pandas_index(pa.schema([("i", pa.timestamp("us"))], {b"pandas": data}))


def in_a_file(name: str, data: bytes, read: Callable[[Path], object]) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read(path)


def limits(data: bytes) -> object:
    return in_a_file("limits.toml", data, lambda path: read_limits(path).to_document())


def stack_file(data: bytes) -> object:
    return settings._stack(read_json(data, "stack.json"))


def kept_listing(data: bytes) -> object:
    def read(path: Path) -> object:
        return ListingCache(path.parent, PLACE).load(DATE)

    return in_a_file(f"{DATE}.listing", data, read)


def good_listing() -> bytes:
    wells, recordings_ = Names(), Names()
    found = parse([ListedKey(good_key().decode(), NOW)], wells, recordings_)
    kept = KeptListing(found, tuple(wells.known), tuple(recordings_.known), NOW)
    with tempfile.TemporaryDirectory() as folder:
        ListingCache(Path(folder), PLACE).save({DATE: kept}, [DATE])
        return (Path(folder) / f"{DATE}.listing").read_bytes()


def terraform_line(data: bytes) -> object:
    found = diagnosis.parse_event(text_of(data))
    return diagnosis.from_events([found] if found else [])


def good_key() -> bytes:
    (path,) = sorted((STORED / "curated").glob("summaries/*/010500/*/*/*.json"))
    return path.relative_to(STORED / "curated").as_posix().encode()


def dumped(document: object) -> bytes:
    return json.dumps(document).encode()


S3 = {"bucket": {"name": "raw"}, "object": {"key": "readings/a.parquet", "size": 1, "eTag": "a"}}
STACK = {
    "format": 2,
    "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "PETROSTREAM_RAW_BUCKET": "raw"},
    "processes": {"server": {"pid": 7, "created": 1.5}},
    "outputs": {"region": "us-east-1"},
}
LIMITS = b'[sensors]\nP-PDG = { low = 1.0e5, high = 6.0e7 }\n[wells."W-1"]\nT-TPT = { high = 90 }\n'
DIAGNOSTIC = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "s"}}
FACTS = {
    "format": 1,
    "well": "W",
    "recording": "R",
    "model_version": "v",
    "commissioning": 1,
    "scored": 2,
    "unscorable": 0,
    "anomalies": 1,
}
READERS: dict[str, Reader] = {
    "message": Reader(message, dumped({"Records": [{"eventName": "ObjectCreated:Put", "s3": S3}]})),
    "events": Reader(event_document, stored("curated/events/*/*/*.json")),
    "annotation": Reader(annotation, stored("curated/annotations/*/*/*.json")),
    "alert claim": Reader(claim, stored("curated/alerts/*/*.json")),
    "recording claim": Reader(recording_claim, claims.to_json(CLAIM)),
    "profile": Reader(profile, stored("curated/profiles/*/*0.json")),
    "later profiles": Reader(later_profiles, stored("curated/profiles/*/*.recommissioned.json")),
    "pointer": Reader(pointer, stored("pointer.json")),
    "manifest": Reader(manifest, stored("models/models/*/model.json")),
    "manifest on a page": Reader(looked_at, stored("models/models/*/model.json")),
    "evaluation": Reader(evaluated, stored("models/models/*/evaluation.json")),
    "reason": Reader(reason, stored("curated/quarantine/*/*/*/*.reason.json")),
    "summary": Reader(summary, stored("curated/summaries/*/*/*/*/*.json")),
    "summary key": Reader(summary_key, good_key()),
    "batch key": Reader(batch_key, b"readings/well=W/date=2024-01-01/R-20240101T000000.parquet"),
    "raw facts": Reader(raw_facts, dumped(FACTS)),
    "scored facts": Reader(scored_facts, dumped(FACTS)),
    "pandas facts": Reader(pandas_facts, b'{"index_columns": ["i"]}'),
    "limits": Reader(limits, LIMITS),
    "stack file": Reader(stack_file, dumped(STACK)),
    "kept listing": Reader(kept_listing, good_listing()),
    "terraform line": Reader(terraform_line, dumped(DIAGNOSTIC)),
}
