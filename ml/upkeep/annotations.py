"""Export what people said of alarms."""

import sys
from pathlib import Path

from petrostream.alarms.annotations import Annotations, to_csv
from petrostream.aws.buckets import Bucket
from petrostream.errors import UsageError, reason_of
from petrostream.settings import Settings, use_stack


def export_annotations(into: Path | None) -> int:
    """Write everything that people said of alarms as CSV, into a file or on standard output.

    Raises
    ------
    UsageError
        If the file can't be written.
    """
    use_stack()
    bucket = Bucket(Settings.load("curated_bucket").curated_bucket)
    text = to_csv(Annotations(bucket).read())
    if into is None:
        sys.stdout.write(text)
        return 0
    try:
        into.write_text(text, newline="")
    except OSError as error:
        raise UsageError(f"{into} can't be written: {reason_of(error)}") from error
    return 0
