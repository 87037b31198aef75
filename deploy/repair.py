"""`repair`: write what the dashboard needs of scored batches and an earlier version left out."""

import os

from console.answers import Answer
from console.exits import EXIT_PARTIAL
from console.speech import progress, say
from petrostream.aws.buckets import Bucket
from petrostream.errors import UsageError
from petrostream.scoring.backfill import write_missing_summaries
from petrostream.settings import Settings, read_stack


def run(target: str) -> Answer:
    """Write the missing summaries of the stack that is up there; 3 where some can't be written.

    Raises
    ------
    UsageError
        If none is up there.
    """
    stack = read_stack(target)
    if stack is None:
        raise UsageError(f"nothing is up: `petrostream up --target {target}` first")
    os.environ.update(stack["environment"])
    curated = Bucket(Settings.load("curated_bucket").curated_bucket)
    say(f"looking for scored batches without a summary in {curated.name}")
    found = write_missing_summaries(
        curated, lambda done, of: progress(f"{done:,} of {of:,} batches")
    )
    say(f"{found.batches:,} scored batches; summaries written: {found.written:,}")
    for fault in found.unreadable:
        progress(fault)
    facts = {
        "batches": found.batches,
        "written": found.written,
        "unreadable": list(found.unreadable),
    }
    return Answer(facts, EXIT_PARTIAL if found.unreadable else 0)
