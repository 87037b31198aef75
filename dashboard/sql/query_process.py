"""``python -m dashboard.sql.query_process CONTROL FILES…``: run one query with DuckDB, and end.

The arguments are numbers of sockets that are open already. The process has no credentials, knows
no endpoint, and can open neither a file nor a connection once it reads the query. It ends when the
dashboard's end of the control socket closes.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa

from dashboard.sql import answers, frames
from dashboard.sql.answers import Refused
from dashboard.sql.object_files import ObjectFiles
from dashboard.sql.own_limits import limit_myself
from dashboard.sql.tables import PREFIXES, Column, make_tables

_MOST_QUERY_BYTES: Final = 16 * 1024 * 1024
_MOST_TEXT: Final = 2000
_THREADS: Final = 4
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
    "temp_directory": "",
    "threads": _THREADS,
}
_LOCKED: Final = (
    "SET allowed_directories = ['curated://']",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_OUT_OF_MEMORY: Final = "Out of Memory Error"
_MEMORY: Final = (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError)


def main(arguments: Sequence[str]) -> int:
    """Run the query that comes over the control socket, and send what became of it."""
    control, *connections = (socket.socket(fileno=int(number)) for number in arguments)
    _, body = frames.receive(control, _MOST_QUERY_BYTES)
    asked = json.loads(body)
    database = duckdb.connect(":memory:", config=_CONFIG)
    files = ObjectFiles(connections, PREFIXES)
    database.register_filesystem(files)
    _import_all(database)
    limit_myself(asked["memory_bytes"], asked["cpu_seconds"])
    threading.Thread(target=_end_with, args=(control,), daemon=True).start()
    frames.send(control, frames.READY, b"")
    frames.send(control, *_outcome(database, files, asked))
    return 0


def _import_all(database: duckdb.DuckDBPyConnection) -> None:
    """Have everything loaded that is loaded at its first use: later no file opens."""
    table = database.execute("SELECT ? AS a", ["2017-02-01"]).to_arrow_reader(1).read_all()
    answers.packed(answers.shown(database, table))


def _end_with(control: socket.socket) -> None:
    """Wait until the dashboard's end closes: nobody is left to answer."""
    control.recv(1)
    os._exit(1)


def _outcome(
    database: duckdb.DuckDBPyConnection, files: ObjectFiles, asked: dict[str, Any]
) -> tuple[bytes, bytes]:
    try:
        statement = answers.only_select(database, asked["text"])
        days = answers.days_of(statement, asked["days"])
        columns = [Column(*each) for each in asked["columns"]]
        make_tables(database, files, asked["text"], columns)
        for setting in _LOCKED:
            database.execute(setting)
        table = answers.first_rows(database, statement, days, asked["rows"], asked["bytes"])
        return frames.ROWS, answers.packed(table)
    except _MEMORY:
        return frames.MEMORY, b""
    except Refused as refused:
        return frames.REFUSED, str(refused)[:_MOST_TEXT].encode()
    except (duckdb.Error, pa.ArrowException, OSError, ValueError) as error:
        text = answers.told(error)
        if text.startswith(_OUT_OF_MEMORY):  # some come as errors of no kind
            return frames.MEMORY, b""
        return frames.REFUSED, text[:_MOST_TEXT].encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
