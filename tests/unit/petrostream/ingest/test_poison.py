"""Small objects that would kill or starve whoever reads them: refused in a sentence, for nothing.

Each is decoded in a process that may take 16 MiB more than it has, and two seconds of CPU time.
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from petrostream.settings import PROJECT_ROOT
from tests.fuzz.fuzz_parquet import (
    MAGIC,
    ROW_GROUPS,
    Parts,
    field,
    good_objects,
    put,
    put_together,
    taken_apart,
)
from tests.support.thrift_compact import BINARY, INT32, INT64, LIST, write_struct

POISON = PROJECT_ROOT / "tests/fixtures/poison"
MORE_MEMORY = 16 * 1024 * 1024
CHILD = f"""
import json, resource, sys
from pathlib import Path
from petrostream.errors import InvalidBatch
from petrostream.ingest.batches import decode
from tests.fuzz.fuzz_parquet import BATCH, good_objects
decode(good_objects()[0], BATCH)
data = Path(sys.argv[1]).read_bytes()
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
spent = resource.getrusage(resource.RUSAGE_SELF)
resource.setrlimit(resource.RLIMIT_AS, (now + {MORE_MEMORY},) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(spent.ru_utime + spent.ru_stime) + 2,) * 2)
try:
    decode(data, BATCH)
except InvalidBatch as error:
    print(json.dumps(str(error)))
"""


def reason_of_refusal(path: Path) -> str:
    """Why a process of its own refuses an object."""
    found = subprocess.run(
        [sys.executable, "-c", CHILD, path],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout, "it was accepted"
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("negative_rows", "negative number of rows"),
        ("rows_lie_group", "'timestamp' says that 1000 rows hold 300000000 values"),
        ("page2g_valid", "bytes unpacked"),
    ],
)
def test_what_lies_about_its_size_is_refused(name: str, reason: str) -> None:
    assert reason in reason_of_refusal(POISON / f"{name}.parquet")


def crafted(change: Callable[[Parts], None], before: Callable[[Parts], None]) -> bytes:
    """A good batch with a lie: `before` its offsets are filled in, or afterwards."""
    parts = taken_apart(good_objects()[1])
    before(parts)
    data = put_together(parts, random.Random(1))
    change(parts)
    footer = write_struct(parts.footer)
    return data + footer + len(footer).to_bytes(4, "little") + MAGIC


def nested_deeply(parts: Parts) -> None:
    group = [[3, INT32, 1], [4, BINARY, b"x"], [5, INT32, 1]]
    leaf = [[1, INT32, 5], [3, INT32, 1], [4, BINARY, b"x"]]
    field(parts.footer, 2)[1][:] = [*[group] * 20_000, leaf]


def nested_once(parts: Parts) -> None:
    schema = field(parts.footer, 2)[1]
    schema[1].append([5, INT32, 1])
    schema[1].sort(key=lambda each: each[0])


def histogram_of_another_length(parts: Parts) -> None:
    """pyarrow ends the process over this one as soon as a column's metadata is looked at."""
    sizes = field(parts.chunks[0], 16)
    sizes[:] = [[3, LIST, (INT64, [1] * 30)]]


def rows_of_groups_differ(parts: Parts) -> None:
    put(field(parts.footer, ROW_GROUPS)[1][0], 3, 100)


def many_groups(parts: Parts) -> None:
    groups = field(parts.footer, ROW_GROUPS)[1]
    groups[:] = groups * 20_000


def long_text(parts: Parts) -> None:
    put(parts.footer, 6, b"x" * 100_000)


def list_of_another_kind(parts: Parts) -> None:
    put(parts.chunks[0], 2, (BINARY, [b"x", b"x"]))


def outside(parts: Parts) -> None:
    put(parts.chunks[0], 7, 2**40)


def page_of_more_values(parts: Parts) -> None:
    details = next(each[2] for each in parts.pages[0][-1].header if each[0] == 5)
    put(details, 1, 300_000_000)


def page_that_unpacks_to_much(parts: Parts) -> None:
    put(parts.pages[0][-1].header, 2, 100_000_000)


def dictionary_of_many_entries(parts: Parts) -> None:
    details = next(each[2] for each in parts.pages[0][0].header if each[0] == 7)
    put(details, 1, 2**30)


def nothing(parts: Parts) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "before", "reason"),
    [
        (nested_deeply, nothing, "lists 20001 things"),
        (nested_once, nothing, "'timestamp' is nested"),
        (rows_of_groups_differ, nothing, "its row groups say otherwise"),
        (many_groups, nothing, "its footer has"),
        (long_text, nothing, "a text of 100000 bytes"),
        (list_of_another_kind, nothing, "damaged"),
        (outside, nothing, "outside of the object"),
        (histogram_of_another_length, nothing, "histogram"),
        (nothing, page_of_more_values, "pages of more than 900 values"),
        (nothing, page_that_unpacks_to_much, "unpacks to more than 900 values take"),
        (nothing, dictionary_of_many_entries, "a dictionary of 1073741824 entries"),
    ],
)
def test_a_crafted_object_is_refused(
    change: Callable[[Parts], None],
    before: Callable[[Parts], None],
    reason: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "crafted.parquet"
    path.write_bytes(crafted(change, before))
    assert reason in reason_of_refusal(path)
