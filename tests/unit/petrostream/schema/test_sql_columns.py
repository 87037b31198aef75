"""SQL's columns and the columns that are scored are one list."""

import re

import pyarrow as pa

from petrostream.schema.columns import SCORED_SCHEMA
from petrostream.schema.sql_columns import columns_text, scored_columns, sql_name
from petrostream.settings import PROJECT_ROOT

COLUMNS = PROJECT_ROOT / "infrastructure" / "modules" / "catalog" / "columns.json"


def test_terraforms_tables_have_the_columns_of_scored_objects() -> None:
    assert COLUMNS.read_text() == columns_text(), (
        "the columns have changed: python -m petrostream.schema.sql_columns > "
        "infrastructure/modules/catalog/columns.json"
    )


def test_every_column_has_a_name_that_athena_takes_and_no_two_have_the_same() -> None:
    names = [column["name"] for column in scored_columns()]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,254}", name) for name in names)
    assert len(set(names)) == len(SCORED_SCHEMA)
    assert sql_name("P-MON-CKP") == "p_mon_ckp"


def test_columns_read_by_position_stand_where_the_rows_have_them() -> None:
    kinds = {"double": "double", "smallint": "int16", "tinyint": "int8"}
    for column, field in zip(scored_columns(), SCORED_SCHEMA, strict=True):
        if pa.types.is_dictionary(field.type):
            assert column["type"] == "string"
        elif pa.types.is_timestamp(field.type):
            assert (column["type"], field.type.unit) == ("timestamp", "ms"), "Athena reads no finer"
        else:
            assert str(field.type).startswith(kinds[column["type"]])
