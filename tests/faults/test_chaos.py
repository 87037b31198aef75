"""Ninety seconds of everything failing at once lose no reading, and the account would tell."""

import io
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from petrostream.alarms.notify import Alerts
from petrostream.ingest.batches import cut, encode
from petrostream.ingest.notifications import RawObject
from petrostream.ingest.recordings import Recording
from petrostream.registry.model_files import Model
from petrostream.schema.keys import PROFILES, SCORED
from petrostream.scoring.pipeline import Pipeline
from petrostream.settings import PROJECT_ROOT
from tests.chaos.account import Account, drawn_up
from tests.chaos.plan import Disturbance, faulty_answers, steps
from tests.support.memory import MemoryBucket

MINUTES, SEED = 1.5, 11
BALANCED = re.compile(
    r"(\d+) readings uploaded = (\d+) scored \+ (\d+) commissioning \+ (\d+) unscorable \+ "
    r"(\d+) quarantined; lost 0, twice 0; objects equal to those of a calm run: (\d+) of (\d+); "
    r"alerts (\d+) of (\d+) events \(\d+ messages\); dead letters 0"
)


@pytest.mark.timeout(900)
def test_ninety_seconds_of_chaos_lose_nothing() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.chaos", f"--minutes={MINUTES}", f"--seed={SEED}"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"
    account = BALANCED.fullmatch(found.stdout.splitlines()[-1])
    assert account is not None, found.stdout
    uploaded, *parts, equal, objects, told, due = map(int, account.groups())
    assert uploaded == sum(parts) > 0
    assert equal == objects > 50
    assert told == due > 0
    for kind in Disturbance:
        assert f"times {kind.value}" in found.stderr, f"it never happened: {kind.value}"
    spoilt = re.search(r"(\d+) faulty answers of", found.stderr)
    assert spoilt is not None and int(spoilt[1]) > 5


def test_the_plan_of_a_seed_is_always_the_same() -> None:
    def plan(seed: int) -> list[object]:
        first = zip(range(50), steps(seed), faulty_answers(seed, 0.1), strict=False)
        return [*first]

    assert plan(1) == plan(1) != plan(2)


@pytest.fixture
def recorded(recordings: list[Recording], wells: Path, tmp_path: Path) -> tuple[Recording, Path]:
    """A recording with an event, and a folder with its file alone."""
    recording = recordings[1]
    [source] = wells.rglob(f"{recording.recording}.parquet")
    place = tmp_path / "wells" / source.parent.name / source.name
    place.parent.mkdir(parents=True)
    place.write_bytes(source.read_bytes())
    return recording, tmp_path / "wells"


@pytest.fixture
def draw_up(model: Model, recorded: tuple[Recording, Path]) -> Any:
    """Scores a recording in memory; gives what it made, and how to draw up the account of it."""
    recording, data = recorded
    raw, curated = MemoryBucket("raw"), MemoryBucket("curated")
    curated.others["raw"] = raw
    sent: list[str] = []
    sns: Any = SimpleNamespace(publish=lambda **said: sent.append(said["Message"]))
    registry: Any = SimpleNamespace(pointer=lambda: "pointer", load=lambda _: model)
    current: Any = SimpleNamespace(get=lambda: model)
    buckets: Any = (raw, curated)
    pipeline = Pipeline(*buckets, current, Alerts(buckets[1], "topic", sns))
    for batch in cut(recording):
        raw.bodies[batch.id.raw] = encode(batch)
        pipeline.process(RawObject(batch.id.raw))

    def account(**changed: Any) -> Account:
        given = {"data": data, "bad": {}, "alerts": sent, "dead_letters": 0, **changed}
        return drawn_up(buckets[0], buckets[1], registry, **given)

    return SimpleNamespace(curated=curated, account=account, sent=sent)


def test_what_was_scored_in_peace_balances(draw_up: Any) -> None:
    account = draw_up.account()
    assert account.balances, account
    assert BALANCED.fullmatch(str(account))


def test_a_batch_that_is_missing_is_lost(draw_up: Any) -> None:
    key = next(key for key in draw_up.curated.bodies if key.startswith(SCORED))
    rows = pq.read_metadata(io.BytesIO(draw_up.curated.bodies.pop(key))).num_rows
    account = draw_up.account()
    assert account.lost == rows > 0
    assert account.equal == account.objects - 1
    assert not account.balances


def test_a_batch_that_is_there_under_two_keys_is_there_twice(draw_up: Any) -> None:
    key = next(key for key in draw_up.curated.bodies if key.startswith(SCORED))
    another = re.sub(r"T\d{4}", "T2359", key)
    draw_up.curated.bodies[another] = draw_up.curated.bodies[key]
    account = draw_up.account()
    assert account.twice > 0
    assert not account.balances


def test_an_object_with_other_bytes_is_not_equal(draw_up: Any) -> None:
    key = next(key for key in draw_up.curated.bodies if key.startswith(PROFILES))
    draw_up.curated.bodies[key] += b" "
    account = draw_up.account()
    assert account.lost == account.twice == 0
    assert account.equal == account.objects - 1
    assert not account.balances


def test_dead_letters_alerts_and_bad_objects_count(draw_up: Any) -> None:
    assert not draw_up.account(dead_letters=1).balances
    assert draw_up.account(bad={"readings/x": 7}).lost == 7
    assert draw_up.sent
    assert not draw_up.account(alerts=[]).balances
