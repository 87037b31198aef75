"""The tables of the Pipeline page, all drawn alike."""

from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

SECOND: Final = "YYYY-MM-DD HH:mm:ss"
_ROW_HEIGHT: Final = 35
_TABLE_ROWS: Final = 6


def show_table(columns: dict[str, object], config: dict[str, ColumnConfig], name: str) -> None:
    """Draw columns by their names; long tables scroll."""
    table = pd.DataFrame(columns)
    st.dataframe(
        table,
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(table), _TABLE_ROWS) + 1) + 3,
        row_height=_ROW_HEIGHT,
        column_config=config,
        alt=name,
    )
