"""The SQL tables of an embedded AWS, as the catalog module makes them."""

from typing import Any

import boto3

from petrostream.schema.sql_columns import scored_columns

DATABASE = "petrostream"


def make_tables(bucket: str) -> Any:
    """A database with `scored` and `events`, without a partition; gives the client."""
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    columns = [{"Name": one["name"], "Type": one["type"]} for one in scored_columns()]
    for table, of_its_own in (
        ("scored", columns),
        ("events", [{"Name": "runs", "Type": "string"}]),
    ):
        glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": table,
                "PartitionKeys": [{"Name": name, "Type": "string"} for name in ("well", "date")],
                "StorageDescriptor": {
                    "Columns": of_its_own,
                    "Location": f"s3://{bucket}/{table}/",
                    "SerdeInfo": {"Parameters": {"parquet.column.index.access": "true"}},
                },
            },
        )
    return glue


def partitions(glue: Any, table: str) -> dict[str, dict[str, Any]]:
    """What each partition of a table says of its place and form, by `<well> <date>`."""
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=table)
    return {
        " ".join(one["Values"]): one["StorageDescriptor"]
        for page in pages
        for one in page["Partitions"]
    }
