"""How PetroStream writes Parquet: the same table always gives the same bytes."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from petrostream.schema.columns import TIMESTAMP


def write_parquet(table: pa.Table) -> bytes:
    """Write a small table in one row group: zstd, no dictionary for readings, deterministic."""
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=[
            field.name for field in table.schema if not pa.types.is_floating(field.type)
        ],
        write_statistics=[TIMESTAMP],
        row_group_size=max(table.num_rows, 1),
    )
    return sink.getvalue()
