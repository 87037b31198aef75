"""Download recordings of the published 3W dataset: `petrostream fetch`.

Files land as `<into>/<class>/<name>.<csv or parquet>`, of one commit, each with the content that
git knows it by. Whatever stops a run, the next one goes on where it ended: finished files are
checked and left alone, unfinished ones are resumed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from console.answers import Answer
from console.exits import EXIT_FAILED
from console.speech import note, say
from petrostream.errors import PetroStreamError, UsageError, reason_of
from producer.download.choice import Named, Selection
from producer.download.crew import Report, bytes_begun, download
from producer.download.folder import prepare, require_same_origin
from producer.download.http import Remote
from producer.download.listing import find_commit, list_files
from producer.download.published import RemoteFile
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


def fetch(order: Order) -> Answer:
    """Fetch what is ordered, and say what came of it; 1 if some files failed, each is named.

    Raises
    ------
    UsageError
        If nothing could be begun.
    """
    try:
        return _fetch(order)
    except PetroStreamError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename or 'the folder'}: {reason_of(error)}") from error


def _fetch(order: Order) -> Answer:
    release = RELEASES[order.release]
    into = order.into or release.folder
    commit = find_commit(order.remote, order.ref) if order.ref else release.commit
    require_same_origin(into, commit)
    chosen = order.wanted.choose(list_files(order.remote, commit, release.suffix))
    wanted = [file for file in chosen if not file.is_in(into)]
    facts: dict[str, Any] = {
        "commit": commit,
        "folder": str(into),
        "already_there": len(chosen) - len(wanted),
    }
    say(
        f"chosen: {len(chosen)} ({_bytes(chosen)}) of 3W at {commit}; already in {into}: "
        f"{len(chosen) - len(wanted)}; to download: {len(wanted)} ({_bytes(wanted)})"
    )
    if order.dry_run:
        for file in wanted:
            say(f"{_bytes([file]):>8}  {file.target(into)}")
        return Answer({**facts, "to_download": _sizes(wanted, into)})
    prepare(into, commit, sum(file.size for file in wanted) - bytes_begun(wanted, into))
    report = download(wanted, into, order.remote, commit, parallel=order.parallel)
    _tell(report, into)
    facts |= {
        "downloaded": _sizes(report.done, into),
        "failed": [{"file": one.file.path, "reason": one.reason} for one in report.failed],
        "untried": [file.path for file in report.untried],
    }
    return Answer(facts, EXIT_FAILED if report.failed or report.untried else 0)


def _tell(report: Report, into: Path) -> None:
    for failure in report.failed:
        note(f"fetch: {failure.file.path}: {failure.reason}")
    if report.untried:
        note(f"fetch: given up because of that: {len(report.untried)} more")
    if report.failed or report.untried:
        note("fetch: the others are kept; the same command tries again what is missing")
    say(f"downloaded into {into}: {len(report.done)} ({_bytes(report.done)})")
    say(CREDIT)


def _bytes(files: Iterable[RemoteFile]) -> str:
    return readable_bytes(sum(file.size for file in files))


def _sizes(files: Iterable[RemoteFile], into: Path) -> dict[str, int]:
    return {str(file.target(into)): file.size for file in files}
