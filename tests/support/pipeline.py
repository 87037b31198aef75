"""Curated data from the real pipeline, and what a test expects of it, read without dashboard."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.alarms.notify import Alerts
from petrostream.ingest.batches import BATCH_SECONDS, COMMISSIONING_SECONDS, LOOKBACK_SECONDS
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import find_recordings
from petrostream.registry.model_files import PackedModel
from petrostream.registry.models import CurrentModel
from petrostream.schema.keys import READINGS, SCORED, parse_batch_key
from petrostream.scoring.pipeline import Disposition, Pipeline
from producer.progress import Progress
from producer.replay import Replay
from producer.schedule import Schedule
from producer.speed import Speed
from producer.upload import Uploader

SCHEDULE = Schedule(
    batch_seconds=BATCH_SECONDS,
    commissioning_seconds=COMMISSIONING_SECONDS,
    lookback_seconds=LOOKBACK_SECONDS,
)


class Scoring:
    """Replays made-up wells into the raw bucket and scores what a test wants scored."""

    def __init__(self, provisioned, packed: PackedModel) -> None:
        provisioned.registry.publish(packed)
        self.provisioned = provisioned
        self.pipeline = Pipeline(
            provisioned.raw,
            provisioned.curated,
            CurrentModel(provisioned.registry),
            Alerts(provisioned.curated, provisioned.settings.topic_arn, provisioned.clients.sns),
        )

    def replay(self, folder: Path, wells: Iterable[str]) -> list[str]:
        """Upload some wells' recordings; gives the raw keys, each recording in order."""
        files, _ = find_recordings(folder, wells=wells)
        replay = Replay(files, SCHEDULE, Speed.parse("max"))
        with Progress("replaying", None) as progress:
            replay.run(Uploader(self.provisioned.raw, 4), progress)
        return sorted(self.provisioned.raw.keys(READINGS))

    def score(self, keys: Iterable[str]) -> None:
        """Score raw objects."""
        for key in keys:
            outcome = self.pipeline.process(RawObject(key))
            assert outcome.disposition is Disposition.SCORED, outcome.reason

    def rewrite(self, key: str, change: Callable[[bytes], bytes]) -> None:
        """Put other bytes in a scored object's place."""
        curated = self.provisioned.curated
        body = change(curated.get(key, at_most=2**26).body)
        curated.put(key, body, "application/vnd.apache.parquet")

    def curated(self) -> pd.DataFrame:
        """Every scored row, with its well and its exact time; what a page is held against."""
        tables = []
        for key, body in self.provisioned.objects(
            self.provisioned.settings.curated_bucket, SCORED
        ).items():
            table = pq.ParquetFile(pa.BufferReader(body)).read(use_threads=False).to_pandas()
            tables.append(table.assign(well=parse_batch_key(key).well))
        rows = pd.concat(tables, ignore_index=True)
        rows["timestamp"] = rows["timestamp"].astype("datetime64[us]") + pd.to_timedelta(
            rows["microseconds"], "us"
        ).astype("timedelta64[us]")
        return rows.sort_values(["well", "timestamp"], ignore_index=True)
