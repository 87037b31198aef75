"""`fetch` against a real HTTP server on loopback that plays GitHub, faults included."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import pytest

from producer.__main__ import main
from producer.download import http
from producer.download.choice import Selection
from producer.download.published import Origin, RemoteFile
from producer.download.releases import RELEASES
from producer.download.transfer import Transfer, file_session
from producer.download.transfer import transfer as download_one
from tests.support.published_3w import TREES, GitHub, git_sha1, serving

REPOSITORY = Path(__file__).parents[2]
PIN = RELEASES[2].commit
PIN_1 = RELEASES[1].commit
NEWER = "5" * 40
NORMAL = "dataset/0/WELL-00001_20170201010207.parquet"
NORMAL_2 = "dataset/0/WELL-00001_20170201060114.parquet"
NORMAL_OTHER_WELL = "dataset/0/WELL-00002_20131104014101.parquet"
FLOW = "dataset/4/WELL-00001_20170316110203.parquet"
SIMULATED = "dataset/9/SIMULATED_00001.parquet"
DRAWN = "dataset/7/DRAWN_00004.parquet"
PATHS = (NORMAL, NORMAL_2, NORMAL_OTHER_WELL, FLOW, SIMULATED, DRAWN)
SIZE = 300_000
HALF = 150_000
CONTENTS = {path: Random(path).randbytes(SIZE) for path in PATHS}
IMPOSSIBLE = 2
INTERRUPTED = 130
RETRIES = 2


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with serving(GitHub(contents=dict(CONTENTS), refs={"main": NEWER})) as github:
        yield github


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "data" / "3w"


def options(github: GitHub, into: Path, *more: str) -> list[str]:
    urls = ["--api-url", github.url, "--raw-url", github.url + "/"]
    return ["--into", str(into), *urls, "--backoff", "0", "--retries", str(RETRIES), *more]


def run(*arguments: str) -> int:
    return main(["fetch", *arguments])


def target(into: Path, path: str) -> Path:
    return into / path.removeprefix("dataset/")


def part(into: Path, path: str) -> Path:
    return target(into, path + ".part")


def files_in(folder: Path) -> set[str]:
    """Return what is below the class folders, as paths in the repository."""
    return {f"dataset/{path.relative_to(folder)}" for path in folder.glob("*/*")}


def put_part(into: Path, path: str, content: bytes) -> None:
    part(into, path).parent.mkdir(parents=True, exist_ok=True)
    part(into, path).write_bytes(content)


def test_real_recordings_land_in_their_class_folders_with_their_content_and_credit(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options(github, into)) == 0
    assert files_in(into) == {NORMAL, NORMAL_2, NORMAL_OTHER_WELL, FLOW}
    for path in files_in(into):
        assert target(into, path).read_bytes() == github.contents[path]
    shown = capsys.readouterr()
    assert "CC BY 4.0" in shown.out and "10.1016/j.petrol.2019.106223" in shown.out
    assert re.search(r"fetching: 1\.20MB of 1\.20MB, .*/s, 00:00 left, 4 of 4 files", shown.err)


def test_a_program_reads_what_came_of_it(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = options(github, into, "--classes", "0", "--wells", "WELL-00002", "--json")
    expected = {str(target(into, NORMAL_OTHER_WELL)): SIZE}
    assert run(*arguments, "--dry-run") == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["to_download"] == expected and planned["commit"] == PIN
    github.faults[NORMAL_OTHER_WELL] = [404]
    assert run(*arguments) == 1
    failed = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in failed["failed"]] == [NORMAL_OTHER_WELL]
    assert failed["downloaded"] == {}
    assert run(*arguments) == 0
    done = capsys.readouterr()
    assert json.loads(done.out)["downloaded"] == expected
    assert "CC BY 4.0" in done.err
    assert run(*arguments) == 0
    assert json.loads(capsys.readouterr().out)["already_there"] == 1


def test_a_second_run_asks_for_no_file(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(*options(github, into))
    github.requests.clear()
    assert run(*options(github, into)) == 0
    assert github.files_asked_for() == []
    assert "to download: 0" in capsys.readouterr().out


def test_a_file_that_was_changed_or_cut_short_on_disk_is_downloaded_again(
    github: GitHub, into: Path
) -> None:
    run(*options(github, into))
    github.requests.clear()
    target(into, NORMAL).write_bytes(bytes(SIZE))
    target(into, FLOW).write_bytes(github.contents[FLOW][:HALF])
    assert run(*options(github, into)) == 0
    assert set(github.files_asked_for()) == {f"{PIN}/{NORMAL}", f"{PIN}/{FLOW}"}
    assert target(into, NORMAL).read_bytes() == github.contents[NORMAL]
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]


def test_a_part_is_resumed_where_it_ends(github: GitHub, into: Path) -> None:
    put_part(into, FLOW, github.contents[FLOW][:HALF])
    assert run(*options(github, into, "--classes", "4")) == 0
    assert github.asked_for(FLOW) == [f"bytes={HALF}-"]
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]
    assert not part(into, FLOW).exists()


def test_a_complete_part_needs_no_request(github: GitHub, into: Path) -> None:
    put_part(into, FLOW, github.contents[FLOW])
    assert run(*options(github, into, "--classes", "4")) == 0
    assert github.files_asked_for() == []
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]


@pytest.mark.parametrize(
    ("fault", "ranges"),
    [("no range", [f"bytes={HALF}-"]), ("refuse range", [f"bytes={HALF}-", None])],
)
def test_a_server_that_can_not_resume_makes_it_start_anew(
    github: GitHub, into: Path, fault: str, ranges: list[str | None]
) -> None:
    put_part(into, FLOW, github.contents[FLOW][:HALF])
    github.faults[FLOW] = [fault]
    assert run(*options(github, into, "--classes", "4")) == 0
    assert github.asked_for(FLOW) == ranges
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]


@pytest.mark.parametrize("length", [HALF, SIZE, SIZE + 1])
def test_a_part_of_something_else_is_thrown_away(github: GitHub, into: Path, length: int) -> None:
    put_part(into, FLOW, bytes(length))
    assert run(*options(github, into, "--classes", "4")) == 0
    assert github.asked_for(FLOW)[-1] is None
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]


def test_a_connection_cut_in_the_body_goes_on_where_it_broke(github: GitHub, into: Path) -> None:
    github.faults[FLOW] = ["cut", "cut"]
    assert run(*options(github, into, "--classes", "4")) == 0
    first, second, third = github.asked_for(FLOW)
    assert first is None
    assert second is not None and third is not None
    assert 0 < int(second[6:-1]) < int(third[6:-1]) < SIZE
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]


def test_a_connection_that_always_breaks_fails_and_keeps_the_part(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.faults[FLOW] = ["cut"] * (RETRIES + 1)
    assert run(*options(github, into, "--classes", "4")) == 1
    assert f"{FLOW}: the connection broke 3 times" in capsys.readouterr().err
    kept = part(into, FLOW).read_bytes()
    assert kept and github.contents[FLOW].startswith(kept)


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (["corrupt", "corrupt"], "its git SHA-1 is not the listing's"),
        (["pointer", "pointer"], "it is a Git LFS pointer"),
        ([404], "the server answered 404 Not Found"),
    ],
)
def test_a_bad_file_is_named_and_the_others_are_kept(
    github: GitHub,
    into: Path,
    capsys: pytest.CaptureFixture[str],
    faults: list[str | int],
    reason: str,
) -> None:
    github.faults[NORMAL] = faults
    assert run(*options(github, into)) == 1
    assert f"{NORMAL}: {reason}" in capsys.readouterr().err
    assert files_in(into) - {NORMAL + ".part"} == {NORMAL_2, NORMAL_OTHER_WELL, FLOW}
    assert not part(into, NORMAL).exists() or part(into, NORMAL).stat().st_size == 0


def test_one_corrupt_answer_is_mended_by_downloading_again(github: GitHub, into: Path) -> None:
    github.faults[NORMAL] = ["corrupt"]
    assert run(*options(github, into)) == 0
    assert target(into, NORMAL).read_bytes() == github.contents[NORMAL]


def test_a_body_longer_than_listed_is_not_kept(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.listing = github.tree()
    github.contents[FLOW] *= 3
    assert run(*options(github, into, "--classes", "4")) == 1
    assert "its size is not the 300,000 bytes of the listing" in capsys.readouterr().err
    assert files_in(into) == set()


def test_no_more_is_written_than_the_listing_says(github: GitHub, into: Path) -> None:
    file = listed(github, FLOW)
    github.contents[FLOW] *= 100
    received: list[int] = []
    with pytest.raises(http.TransferFailed):
        transfer(github, file, into, received)
    assert max(accumulate(received)) < 2 * SIZE
    assert sum(received) == 0


def test_bytes_that_have_to_be_downloaded_again_are_not_counted_twice(
    github: GitHub, into: Path
) -> None:
    put_part(into, FLOW, github.contents[FLOW][:HALF])
    github.faults[FLOW] = ["refuse range", "corrupt"]
    received: list[int] = []
    assert transfer(github, listed(github, FLOW), into, received)
    assert HALF + sum(received) == SIZE


def listed(github: GitHub, path: str) -> RemoteFile:
    return RemoteFile(path, len(github.contents[path]), git_sha1(github.contents[path]))


def transfer(github: GitHub, file: RemoteFile, into: Path, received: list[int]) -> bool:
    remote = http.Remote(github.url, github.url, retries=0)
    with file_session(remote) as session:
        return download_one(
            Transfer(session, remote, PIN, file, into, received.append, threading.Event())
        )


def test_a_pointer_that_the_listing_promises_is_no_recording(github: GitHub, into: Path) -> None:
    github.contents[FLOW] = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    assert run(*options(github, into, "--classes", "4")) == 1
    assert files_in(into) == set()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again(github: GitHub, into: Path, status: int) -> None:
    github.faults[FLOW] = [status, status]
    assert run(*options(github, into, "--classes", "4")) == 0
    assert files_in(into) == {FLOW}


def test_a_server_that_keeps_asking_for_fewer_requests_ends_the_run(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.faults.update({path: [429] * (RETRIES + 1) for path in PATHS})
    assert run(*options(github, into, "--parallel", "1")) == 1
    shown = capsys.readouterr().err
    assert "wait some minutes" in shown and "given up because of that: 3 more" in shown


@pytest.mark.parametrize("status", [403, 429])
def test_the_rate_limit_is_explained(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    reset = int(time.time()) + 600
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    github.listing_answer = status, limit, b'{"message": "API rate limit exceeded"}'
    assert run(*options(github, into)) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert time.strftime("%H:%M", time.localtime(reset)) in shown
    assert "GITHUB_TOKEN" in shown
    assert len(github.requests) == 1


def test_the_token_goes_to_the_api_and_nowhere_else(
    github: GitHub, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    assert run(*options(github, into)) == 0
    tokens = {(request.path.startswith(TREES), request.token) for request in github.requests}
    assert tokens == {(True, "Bearer secret"), (False, None)}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((401, {}, b"{}"), "does not accept GITHUB_TOKEN"),
        ((404, {}, b"{}"), f"no branch, tag or commit '{PIN}'"),
        ((403, {}, b"{}"), "answered 403 Forbidden"),
        ((200, {}, b"<html>log in</html>"), "something else than a listing"),
        ((200, {}, b'{"tree": 7}'), "something else than a listing"),
        ((200, {}, b'{"tree": [], "truncated": true}'), "cut short"),
        ((200, {}, b'{"tree": []}'), "no recordings"),
    ],
)
def test_a_listing_that_is_none_is_explained_in_one_line(
    github: GitHub,
    into: Path,
    capsys: pytest.CaptureFixture[str],
    answer: tuple[int, dict[str, str], bytes],
    sentence: str,
) -> None:
    github.listing_answer = answer
    assert run(*options(github, into)) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert sentence in shown
    assert shown.count("\n") == 1
    assert not into.exists()


def test_no_network_is_one_sentence(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str], unused_url: str
) -> None:
    assert run(*options(github, into, "--api-url", unused_url)) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert "can't be reached" in shown and "Connection refused" in shown
    assert shown.count("\n") == 1


def test_a_file_server_out_of_reach_ends_the_run_early(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str], unused_url: str
) -> None:
    assert run(*options(github, into, "--raw-url", unused_url, "--parallel", "1")) == 1
    shown = capsys.readouterr().err
    assert "can't be reached" in shown and "given up because of that: 3 more" in shown


@pytest.fixture
def unused_url() -> str:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return f"http://127.0.0.1:{server.server_port}"


EVIL = (
    "dataset/0/../../../WELL-00001_20170201010207.parquet",
    "/dataset/0/WELL-00001_20170201010207.parquet",
    "dataset/0/..\\WELL-00001_20170201010207.parquet",
    "dataset/../WELL-00001_20170201010207.parquet",
    "dataset/00/WELL-00001_20170201010207.parquet",
    "dataset/10/WELL-00001_20170201010207.parquet",
    "dataset/٣/WELL-00001_20170201010207.parquet",
    "dataset/0/WELL-00001_2017.parquet",
    "dataset/0/WELL-00001_20170201010207.parquet\n",
    "dataset/0/SIMULATED_1/../../x.parquet",
    "dataset/0/evil.parquet",
    "dataset/0/WELL-00001_20170201010207.exe",
)


def test_a_listing_can_not_name_a_place_outside_the_folder(
    github: GitHub, into: Path, tmp_path: Path
) -> None:
    evil = [{"path": path, "type": "blob", "size": 1, "sha": git_sha1(b"x")} for path in EVIL]
    github.listing = {"tree": [*evil, github.entry(FLOW)], "truncated": False}
    assert run(*options(github, into, "--all")) == 0
    assert github.files_asked_for() == [f"{PIN}/{FLOW}"]
    assert list(tmp_path.rglob("WELL*")) == [target(into, FLOW)]


@pytest.mark.parametrize("path", EVIL)
def test_a_remote_file_is_a_recording_by_construction(path: str) -> None:
    with pytest.raises(ValueError, match="not the path"):
        RemoteFile(path, 1, git_sha1(b"x"))


@pytest.mark.parametrize("fault", [{"size": "1"}, {"size": -1}, {"sha": "../x"}, {"sha": None}])
def test_an_entry_without_size_or_hash_is_refused(
    github: GitHub, into: Path, fault: dict[str, object]
) -> None:
    github.listing = {"tree": [github.entry(FLOW) | fault], "truncated": False}
    assert run(*options(github, into)) == IMPOSSIBLE
    assert not into.exists()


def test_a_dry_run_lists_and_writes_nothing(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_part(into, FLOW, github.contents[FLOW][:HALF])
    assert run(*options(github, into, "--dry-run")) == 0
    shown = capsys.readouterr().out
    assert "to download: 4 (1.20MB)" in shown
    assert str(target(into, NORMAL)) in shown
    assert github.files_asked_for() == []
    assert files_in(into) == {FLOW + ".part"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--classes", "0,4", "--limit", "1"], {NORMAL, FLOW}),
        (["--classes", "0", "--limit", "2"], {NORMAL, NORMAL_OTHER_WELL}),
        (["--wells", "WELL-00002"], {NORMAL_OTHER_WELL}),
        (["--wells", "WELL-00001", "--classes", "4"], {FLOW}),
        (["--kinds", "simulated,drawn"], {SIMULATED, DRAWN}),
        (["--all"], set(PATHS)),
        (["--all", "--kinds", "real"], {NORMAL, NORMAL_2, NORMAL_OTHER_WELL, FLOW}),
        (["--all", "--wells", "WELL-00001"], {NORMAL, NORMAL_2, FLOW}),
    ],
)
def test_selection(github: GitHub, into: Path, arguments: list[str], expected: set[str]) -> None:
    assert run(*options(github, into, *arguments)) == 0
    assert files_in(into) == expected


def test_the_limit_shows_many_wells_and_every_kind() -> None:
    names = [f"WELL-0000{well}_2017010100000{n}" for well in (1, 2, 3) for n in range(9)]
    names += [f"SIMULATED_0000{n}" for n in range(9)]
    files = [RemoteFile(f"dataset/5/{name}.parquet", 1, "0" * 40) for name in reversed(names)]
    chosen = Selection(origins=frozenset(Origin), limit=5).choose(files)
    assert [file.path.removeprefix("dataset/5/") for file in chosen] == [
        "SIMULATED_00000.parquet",
        "SIMULATED_00001.parquet",
        "WELL-00001_20170101000000.parquet",
        "WELL-00002_20170101000000.parquet",
        "WELL-00003_20170101000000.parquet",
    ]


@pytest.mark.parametrize(
    "arguments", [["--wells", "WELL-00001,WELL-00099"], ["--classes", "0,3"], ["--classes", "9"]]
)
def test_what_does_not_exist_is_answered_with_what_does(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(*options(github, into, *arguments)) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert "class 0: 3 real; class 4: 1 real; class 7: 1 drawn; class 9: 1 simulated" in shown
    assert "wells: WELL-00001, WELL-00002" in shown
    assert github.files_asked_for() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--classes", "10"],
        ["--classes", ","],
        ["--wells", ","],
        ["--release", "3"],
        ["--kinds", "fake"],
        ["--limit", "0"],
        ["--parallel", "x"],
        ["--backoff", "nan"],
    ],
)
def test_options_without_meaning_are_refused(arguments: list[str]) -> None:
    assert run(*arguments) == IMPOSSIBLE


def test_a_file_in_place_of_the_folder_is_explained(
    github: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(*options(github, tmp_path / "file")) == IMPOSSIBLE
    assert "can't be made a folder (File exists)" in capsys.readouterr().err


def test_too_little_room_is_seen_before_the_first_request(
    github: GitHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=SIZE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert run(*options(github, tmp_path)) == IMPOSSIBLE
    assert "300kB left and 1.20MB are needed" in capsys.readouterr().err
    assert github.files_asked_for() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_disk_that_fills_up_ends_the_run(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part(into, NORMAL).parent.mkdir(parents=True)
    part(into, NORMAL).symlink_to("/dev/full")
    assert run(*options(github, into, "--parallel", "1")) == 1
    shown = capsys.readouterr().err
    assert "No space left on device" in shown and "given up because of that: 3 more" in shown


def test_ctrl_c_keeps_the_part_and_the_next_run_resumes(github: GitHub, into: Path) -> None:
    github.faults[FLOW] = ["stall"]
    program = (
        "import signal, sys\n"
        "from producer.__main__ import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(main(['fetch', *sys.argv[1:]]))\n"
    )
    arguments = options(github, into, "--classes", "4")
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        env=dict(os.environ),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert github.stalled.wait(20)
    wait_for(lambda: part(into, FLOW).exists() and part(into, FLOW).stat().st_size > 0)
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=20)
    assert process.returncode == INTERRUPTED
    assert "the same command goes on where it ended" in shown
    assert "Traceback" not in shown
    begun = part(into, FLOW).stat().st_size
    assert run(*arguments) == 0
    assert github.asked_for(FLOW) == [None, f"bytes={begun}-"]
    assert target(into, FLOW).read_bytes() == github.contents[FLOW]


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_a_terminal_gets_a_bar(github: GitHub, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    put_part(into, FLOW, github.contents[FLOW][:HALF])
    assert run(*options(github, into, "--classes", "4")) == 0
    assert "100%" in terminal.getvalue() and "1 of 1 files" in terminal.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_wait_that_the_server_asks_for_is_honoured_but_bounded(
    github: GitHub, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause, patience = 0.05, 10
    monkeypatch.setattr(http, "MAX_PAUSE", pause)
    github.listing_answer = 503, {"Retry-After": "3600"}, b""
    begun = time.monotonic()
    assert run(*options(github, into)) == IMPOSSIBLE
    assert RETRIES * pause <= time.monotonic() - begun < patience
    assert len(github.requests) == RETRIES + 1


CSV = "dataset/2/WELL-00012_20170320033022.csv"
CSV_2 = "dataset/0/WELL-00001_20170201020207.csv"


@pytest.fixture
def both_kinds(github: GitHub) -> GitHub:
    """Publish CSV files beside the Parquet files, as no commit of 3W does."""
    github.contents |= {CSV: b"timestamp,P-PDG\n", CSV_2: b"timestamp,P-TPT\n"}
    return github


@pytest.fixture
def listed_in(tmp_path: Path) -> Callable[[str], list[str]]:
    def write(text: str) -> list[str]:
        (tmp_path / "some.txt").write_text(text)
        return ["--list", str(tmp_path / "some.txt")]

    return write


@pytest.mark.parametrize(
    ("arguments", "commit", "expected"),
    [
        ([], PIN, {NORMAL, NORMAL_2, NORMAL_OTHER_WELL, FLOW}),
        (["--release", "2"], PIN, {NORMAL, NORMAL_2, NORMAL_OTHER_WELL, FLOW}),
        (["--release", "1"], PIN_1, {CSV, CSV_2}),
        (["--release", "1", "--ref", "a" * 40], "a" * 40, {CSV, CSV_2}),
        (["--ref", "main", "--classes", "4"], NEWER, {FLOW}),
    ],
)
def test_a_release_is_one_commit_and_another_is_a_choice(
    both_kinds: GitHub, into: Path, arguments: list[str], commit: str, expected: set[str]
) -> None:
    assert run(*options(both_kinds, into, *arguments)) == 0
    assert files_in(into) == expected
    assert set(both_kinds.files_asked_for()) == {f"{commit}/{path}" for path in expected}
    assert TREES + commit in {request.path for request in both_kinds.requests}


def test_the_pins_are_whole_commits_and_their_folders_differ() -> None:
    assert all(re.fullmatch("[0-9a-f]{40}", release.commit) for release in RELEASES.values())
    assert len({release.commit for release in RELEASES.values()}) == len(RELEASES)
    assert len({release.folder for release in RELEASES.values()}) == len(RELEASES)


def test_a_branch_that_does_not_exist_is_said(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options(github, into, "--ref", "mian")) == IMPOSSIBLE
    assert "no branch, tag or commit 'mian': mend --ref" in capsys.readouterr().err
    assert not into.exists()


def test_a_folder_goes_on_from_its_own_commit_and_is_not_mixed_with_another(
    both_kinds: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both_kinds.faults[FLOW] = [404]
    assert run(*options(both_kinds, into)) == 1
    for other in (["--release", "1"], ["--ref", "main"]):
        assert run(*options(both_kinds, into, *other)) == IMPOSSIBLE
        assert f"was fetched from petrobras/3W {PIN}" in capsys.readouterr().err
    assert run(*options(both_kinds, into, "--ref", PIN)) == 0
    assert files_in(into) == {NORMAL, NORMAL_2, NORMAL_OTHER_WELL, FLOW}


def test_a_branch_that_moved_on_does_not_mix_into_the_folder(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options(github, into, "--ref", "main")) == 0
    github.refs["main"] = "6" * 40
    assert run(*options(github, into, "--ref", "main")) == IMPOSSIBLE
    assert "or that commit with --ref" in capsys.readouterr().err
    assert run(*options(github, into, "--ref", NEWER)) == 0


def test_a_listing_that_github_cuts_short_is_asked_for_folder_by_folder(
    github: GitHub, into: Path
) -> None:
    github.cut_at = 3
    assert run(*options(github, into, "--all")) == 0
    assert files_in(into) == set(PATHS)
    assert {target(into, path).read_bytes() for path in PATHS} == set(CONTENTS.values())


def test_a_list_gets_exactly_what_it_names(
    both_kinds: GitHub, into: Path, listed_in: Callable[[str], list[str]]
) -> None:
    names = listed_in(
        "# the two\n\n2/WELL-00012_20170320033022  # closes early\n"
        "0/WELL-00001_20170201020207.parquet\n0/WELL-00001_20170201020207\n"
    )
    assert run(*options(both_kinds, into, "--release", "1", *names)) == 0
    assert files_in(into) == {CSV, CSV_2}


def test_a_list_may_name_more_than_the_usual_limit_and_any_kind(
    github: GitHub, into: Path, listed_in: Callable[[str], list[str]]
) -> None:
    paths = [f"dataset/0/WELL-00001_2017010100000{n}.parquet" for n in range(9)]
    github.contents |= dict.fromkeys(paths, b"PAR1")
    names = [path.removeprefix("dataset/") for path in (*paths, SIMULATED)]
    assert run(*options(github, into, *listed_in("\n".join(names)))) == 0
    assert files_in(into) == {*paths, SIMULATED}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# fine\nWELL-00001_20170201010207\n", "line 2: 'WELL-00001_20170201010207' is not"),
        ("0/WELL-00001_2017\n", "line 1: '0/WELL-00001_2017' is not"),
        ("0/../WELL-00001_20170201010207\n", "line 1: '0/../WELL-00001_20170201010207' is not"),
        ("# nothing\n", "names no recording"),
    ],
)
def test_a_list_that_is_none_is_refused_before_anything_is_asked(
    github: GitHub,
    into: Path,
    listed_in: Callable[[str], list[str]],
    capsys: pytest.CaptureFixture[str],
    text: str,
    sentence: str,
) -> None:
    assert run(*options(github, into, *listed_in(text))) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert sentence in shown and shown.count("\n") == 1
    assert github.requests == []


def test_a_list_that_is_missing_is_one_sentence(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options(github, into, "--list", str(into / "none.txt"))) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert "none.txt can't be read" in shown and shown.count("\n") == 1


def test_what_the_list_names_and_the_commit_lacks_is_named(
    github: GitHub,
    into: Path,
    listed_in: Callable[[str], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    lacking = [f"8/WELL-00019_2017030118230{n}" for n in range(9)]
    names = listed_in("\n".join(["4/WELL-00001_20170316110203", *lacking]))
    assert run(*options(github, into, *names)) == IMPOSSIBLE
    shown = capsys.readouterr().err
    assert all(name in shown for name in lacking) and "--release" in shown
    assert "4/WELL-00001_20170316110203" not in shown
    assert not into.exists()


@pytest.mark.parametrize(
    "more",
    [
        ["--limit", "5"],
        ["--all"],
        ["--classes", "4"],
        ["--wells", "WELL-00001"],
        ["--kinds", "real"],
    ],
)
def test_nothing_else_restricts_a_list(
    github: GitHub,
    into: Path,
    listed_in: Callable[[str], list[str]],
    capsys: pytest.CaptureFixture[str],
    more: list[str],
) -> None:
    names = listed_in("4/WELL-00001_20170316110203\n")
    assert run(*options(github, into, *names, *more)) == IMPOSSIBLE
    assert "--list names exactly what is fetched" in capsys.readouterr().err
    assert github.requests == []


def test_all_and_a_limit_exclude_each_other(
    github: GitHub, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options(github, into, "--limit", "1", "--all")) == IMPOSSIBLE
    assert "--all and --limit exclude each other" in capsys.readouterr().err
