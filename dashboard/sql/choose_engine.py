"""Which engine answers SQL: Athena where the stack that is up has it, else DuckDB."""

import os
from typing import Any, Final

from dashboard.sql.athena import Athena, Workgroup
from dashboard.sql.duckdb_engine import DuckDB
from dashboard.sql.engine import Engine
from petrostream.aws.buckets import Bucket
from petrostream.settings import AWS, Settings, read_stack, variable

_ENDPOINTS: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ATHENA")


def find_engine(settings: Settings) -> Engine:
    """The engine for the curated bucket that the settings name."""
    workgroup = athena_of(read_stack(AWS), settings)
    return DuckDB(Bucket(settings.curated_bucket)) if workgroup is None else Athena(workgroup)


def athena_of(stack: dict[str, Any] | None, settings: Settings) -> Workgroup | None:
    """Athena's workgroup, where the stack is the one with that bucket and AWS is the real one."""
    if stack is None or any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    outputs = stack.get("outputs", {})
    is_ours = stack["environment"].get(variable("curated_bucket")) == settings.curated_bucket
    if not is_ours or not {"athena_workgroup", "glue_database"} <= outputs.keys():
        return None
    return Workgroup(str(outputs["athena_workgroup"]), str(outputs["glue_database"]))
