"""Download recordings of the published 3W dataset: `python -m producer fetch`.

Files land as `<into>/<class>/<name>.<csv or parquet>`, of one commit, each with the content that
git knows it by. Whatever stops a run, the next one goes on where it ended: finished files are
checked and left alone, unfinished ones are resumed.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from petrostream.console import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from petrostream.errors import PetroStreamError, UsageError
from producer.download.choice import DEFAULT_LIMIT, Named, Selection, Wish
from producer.download.crew import Report, bytes_begun, download
from producer.download.folder import prepare, require_same_origin
from producer.download.http import Remote
from producer.download.listing import find_commit, list_files
from producer.download.published import Origin, RemoteFile
from producer.download.releases import CREDIT, CURRENT, RELEASES
from producer.progress import readable_bytes

_GITHUB: Final = Remote()


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch, from where, into which folder.

    `release` is a key of `RELEASES`. Without `ref` its own commit is fetched, without `into` its
    own folder is filled.
    """

    wanted: Selection | Named = field(default_factory=Selection)
    release: int = CURRENT
    ref: str | None = None
    into: Path | None = None
    dry_run: bool = False
    parallel: int = 4
    remote: Remote = _GITHUB


def fetch(order: Order) -> int:
    """Fetch what is ordered, say on standard output what came of it, and return the exit code.

    0: everything is there; 1: some files failed, each is named; 2: nothing could be begun;
    130: interrupted.
    """
    try:
        return _fetch(order)
    except KeyboardInterrupt:
        _complain("interrupted; the same command goes on where it ended")
        return EXIT_INTERRUPTED
    except (PetroStreamError, OSError) as error:
        _complain(str(error))
        return EXIT_USAGE


def _fetch(order: Order) -> int:
    release = RELEASES[order.release]
    into = order.into or release.folder
    commit = find_commit(order.remote, order.ref) if order.ref else release.commit
    require_same_origin(into, commit)
    chosen = order.wanted.choose(list_files(order.remote, commit, release.suffix))
    wanted = [file for file in chosen if not file.is_in(into)]
    print(
        f"chosen: {len(chosen)} ({_bytes(chosen)}) of 3W at {commit}; already in {into}: "
        f"{len(chosen) - len(wanted)}; to download: {len(wanted)} ({_bytes(wanted)})"
    )
    if order.dry_run:
        for file in wanted:
            print(f"{_bytes([file]):>8}  {file.target(into)}")
        return 0
    prepare(into, commit, sum(file.size for file in wanted) - bytes_begun(wanted, into))
    report = download(wanted, into, order.remote, commit, parallel=order.parallel)
    _tell(report, into)
    return EXIT_FAILED if report.failed or report.untried else 0


def _tell(report: Report, into: Path) -> None:
    for failure in report.failed:
        _complain(f"{failure.file.path}: {failure.reason}")
    if report.untried:
        _complain(f"given up because of that: {len(report.untried)} more")
    if report.failed or report.untried:
        _complain("the others are kept; the same command tries again what is missing")
    print(f"downloaded into {into}: {len(report.done)} ({_bytes(report.done)})")
    print(CREDIT)


def _bytes(files: Iterable[RemoteFile]) -> str:
    return readable_bytes(sum(file.size for file in files))


def _complain(sentence: str) -> None:
    print(f"fetch: {sentence}", file=sys.stderr)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fetch`."""
    parser.description = (
        f"Download recordings of the 3W dataset. Without options: real ones, {DEFAULT_LIMIT} of "
        f"each event class and of as many wells as possible, at most {10 * DEFAULT_LIMIT} files; "
        "--dry-run shows their size. Each release is one commit of 3W's repository, and every file "
        "is checked against git's hash of it. Running again resumes, and skips what is there. A "
        "token in GITHUB_TOKEN raises GitHub's rate limit; none is needed."
    )
    add = parser.add_argument
    add(
        "--release",
        type=int,
        choices=sorted(RELEASES),
        default=CURRENT,
        help="3W's release: 1 is CSV, 2 Parquet (default: %(default)s)",
    )
    add(
        "--ref",
        metavar="REF",
        help="take the release's kind of file from this branch, tag or commit instead (main is "
        "3W's newest)",
    )
    add("--into", type=Path, metavar="FOLDER", help=f"default: {_folders()}")
    add(
        "--list",
        type=Path,
        dest="list_file",
        metavar="FILE",
        help="exactly the recordings that the file names, one <class>/<name> a line, # begins a "
        "comment",
    )
    add("--classes", type=_some_of(*"0123456789"), metavar="0,1,…", help="default: all")
    add("--wells", type=_some_of(), metavar="WELL-00001,…", help="default: all")
    add(
        "--kinds",
        type=_some_of(*Origin),
        metavar="real,…",
        help="of real, simulated, drawn (default: real; with --all every kind)",
    )
    add(
        "--limit",
        type=_at_least(1),
        metavar="N",
        help="files of a class: the first of every well, then the second, …, by name "
        f"(default: {DEFAULT_LIMIT})",
    )
    add("--all", action="store_true", help="no limit (large: try --dry-run first)")
    add("--dry-run", action="store_true", help="only list what would be downloaded")
    add("--parallel", type=_at_least(1), default=4, metavar="N", help="default: %(default)s")
    add(
        "--retries",
        type=_at_least(0),
        default=_GITHUB.retries,
        metavar="N",
        help="default: %(default)s",
    )
    add(
        "--backoff",
        type=_at_least(0.0),
        default=_GITHUB.backoff,
        metavar="SECONDS",
        help="wait before a retry, doubled each time (default: %(default)s)",
    )
    add("--api-url", default=_GITHUB.api_url, metavar="URL", help="for mirrors: %(default)s")
    add("--raw-url", default=_GITHUB.raw_url, metavar="URL", help="for mirrors: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Fetch what the options say and return the exit code of `fetch`."""
    try:
        order = _order(arguments)
    except UsageError as error:
        _complain(str(error))
        return EXIT_USAGE
    return fetch(order)


def _order(arguments: argparse.Namespace) -> Order:
    return Order(
        wanted=Wish(
            classes=frozenset(int(name) for name in arguments.classes or ()),
            wells=arguments.wells or frozenset(),
            kinds=frozenset(Origin(name) for name in arguments.kinds or ()),
            limit=arguments.limit,
            everything=arguments.all,
            list_file=arguments.list_file,
        ).understood(),
        release=arguments.release,
        ref=arguments.ref,
        into=arguments.into,
        dry_run=arguments.dry_run,
        parallel=arguments.parallel,
        remote=Remote(
            api_url=arguments.api_url,
            raw_url=arguments.raw_url,
            retries=arguments.retries,
            backoff=arguments.backoff,
            token=os.environ.get("GITHUB_TOKEN", "").strip(),
        ),
    )


def _folders() -> str:
    return ", ".join(f"{release.folder} (release {n})" for n, release in RELEASES.items())


def _some_of(*allowed: str) -> Callable[[str], frozenset[str]]:
    def parse(text: str) -> frozenset[str]:
        names = frozenset(name.strip() for name in text.split(",")) - {""}
        if not names or (allowed and not names.issubset(allowed)):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a list of {', '.join(allowed) or 'names'} with commas between"
            )
        return names

    return parse


def _at_least(least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = type(least)(text)
        except ValueError:
            value = math.nan
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} up")
        return value

    return parse
