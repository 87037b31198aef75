"""Explore: SQL over the curated data, with the saved queries at hand."""

import io
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.curated.snapshot import FIRST, LAST
from dashboard.shell import page_frame
from dashboard.shell.readers import part, reason
from dashboard.sql.choose_engine import find_engine
from dashboard.sql.engine import (
    MOST_ROWS,
    MOST_SECONDS,
    Engine,
    Query,
    QueryRefused,
    QueryResult,
    saved_queries,
)
from dashboard.ui import url_state
from dashboard.ui.filters import choose_day, choose_one
from petrostream.errors import PetroStreamError
from petrostream.schema.sql_columns import scored_columns
from petrostream.settings import Settings

_OWN: Final = "own"
_TEXT: Final = "sql of this page"
_SHOWN: Final = "saved query that the text is of"
_ANSWER: Final = "answer of this page"
_FAULT: Final = "fault of this page"
_MONOSPACED: Final = (
    "<style>textarea[aria-label=SQL] { font-family: 'Source Code Pro', monospace; "
    "font-size: 0.9rem; }</style>"
)
_SQL: Final = "sql"
_READING: Final = (
    "`s3:ListBucket` and `s3:GetObject` on `scored/*` and `events/*` (and with Athena the policy "
    "`dashboard`)"
)
_GRID_HEIGHT: Final = 420
_CHART_ROWS: Final = 5000
_MANY_SERIES: Final = 12
_HARDLY_VARIES: Final = 2
_NO_COLOUR: Final = "none"
_EVENT_COLUMNS: Final = ("model_version", "merge_gap_seconds", "runs", "well", "date")


def render() -> None:
    """Draw the page."""
    page_frame.show("Explore", _draw)


def _draw(view: page_frame.View) -> None:
    engine = part("SQL", _READING, lambda: find_engine(Settings.load("curated_bucket")))
    if engine is None:
        return
    st.caption(
        f"Asked of **{engine.name}**: it reads only, {MOST_ROWS:,} rows and {MOST_SECONDS} s at "
        "most."
    )
    query = _choose_query(view)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Run",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_run,
            args=(engine, query),
            disabled=not query.text.strip(),
        )
        _show_columns()
    _show_answer()


def _choose_query(view: page_frame.View) -> Query:
    saved = {each.name: each for each in saved_queries()}
    titles = {name: each.title for name, each in saved.items()} | {_OWN: "A query of your own"}
    first, last = _days(view)
    left, middle, right = st.columns([3, 1, 1])
    with left:
        name = choose_one("Saved query", "query", list(titles), titles.__getitem__)
    with middle:
        first = choose_day("First day (UTC)", "from", first) or first
    with right:
        last = choose_day("Last day (UTC)", "to", last) or last
    return Query(_edit(name, saved[name].text if name in saved else ""), first, last)


def _days(view: page_frame.View) -> tuple[date, date]:
    table = view.snapshot.table
    return table[FIRST].min().date(), table[LAST].max().date()


def _edit(name: str, text: str) -> str:
    """Offer the text to edit; what differs from the saved query stands in the address."""
    state = st.session_state
    asked = url_state.asked(_SQL)
    if asked is not None:
        state[_TEXT], state[_SHOWN] = asked[0], name
    elif state.get(_SHOWN) != name:
        state[_TEXT], state[_SHOWN] = text or state.get(_TEXT, ""), name
    st.html(_MONOSPACED)
    edited: str = st.text_area(
        "SQL",
        key=_TEXT,
        height=300,
        help="Tables: scored (one row per reading) and events (one row per batch with alarms). The "
        "two question marks of a saved query are the first and the last day.",
    )
    if edited != text:
        url_state.keep(_SQL, edited)
    else:
        url_state.drop(_SQL)
    return edited


def _show_columns() -> None:
    with st.popover("Columns", icon=":material/view_column:"):
        st.markdown("**scored**")
        st.dataframe(
            pd.DataFrame(
                [
                    *scored_columns(),
                    {"name": "well", "type": "string", "comment": "partition"},
                    {"name": "date", "type": "string", "comment": "partition, 2017-02-01"},
                ]
            ),
            hide_index=True,
            height=300,
            alt="Columns of the table scored",
        )
        st.markdown(f"**events**: {', '.join(f'`{name}`' for name in _EVENT_COLUMNS)}")


def _run(engine: Engine, query: Query) -> None:
    state = st.session_state
    state.pop(_ANSWER, None)
    state.pop(_FAULT, None)
    told = st.empty()
    began = time.monotonic()

    def tick() -> None:  # Streamlit raises here once the visitor has left
        told.caption(f"{engine.name} is at work: {time.monotonic() - began:.0f} s")

    try:
        state[_ANSWER] = (engine.run(query, tick), datetime.now(UTC).replace(tzinfo=None))
    except QueryRefused as error:
        state[_FAULT] = ("**The query was not answered.**", str(error))
    except PetroStreamError as error:
        state[_FAULT] = (f"**The data can't be had.** {reason(error, _READING)}", str(error))
    finally:
        told.empty()


def _show_answer() -> None:
    fault = st.session_state.get(_FAULT)
    if fault is not None:
        st.error(fault[0], icon=":material/error:")
        st.code(fault[1], language=None, wrap_lines=True)
        return
    found: tuple[QueryResult, datetime] | None = st.session_state.get(_ANSWER)
    if found is None:
        st.caption("Press Run to see the result.")
        return
    answer, when = found
    rows = answer.rows
    cut = f", cut after {MOST_ROWS:,}: narrow the query for the rest" if answer.is_cut else ""
    number = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    st.markdown(f"**{number}**{cut}, {answer.seconds:.1f} s, asked at {when:%H:%M:%S} UTC")
    if rows.empty:
        st.info("The query has no rows for these days.", icon=":material/search_off:")
        return
    grid, chart = st.tabs(["Grid", "Chart"])
    with grid:
        st.dataframe(rows, hide_index=True, height=_height(rows), alt="Result of the query")
        _show_downloads(rows)
    with chart:
        _show_chart(rows)


def _height(rows: pd.DataFrame) -> int:
    return min(_GRID_HEIGHT, 35 * (len(rows) + 1) + 3)


def _show_downloads(rows: pd.DataFrame) -> None:
    with st.container(horizontal=True, gap="small"):
        _download("CSV", partial(_csv, rows), "result.csv", "text/csv")
        parquet = "application/vnd.apache.parquet"
        _download("Parquet", partial(_parquet, rows), "result.parquet", parquet)


def _download(label: str, data: Callable[[], str | bytes], name: str, mime: str) -> None:
    st.download_button(label, data, name, mime, icon=":material/download:", on_click="ignore")


def _csv(rows: pd.DataFrame) -> str:
    return rows.to_csv(index=False)


def _parquet(rows: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    rows.to_parquet(sink, index=False)
    return sink.getvalue()


def chart_columns(rows: pd.DataFrame) -> tuple[list[str], list[str], list[str]]:
    """Columns that can stand on the axis across, on the axis up, and as a colour.

    Numbers that hardly vary, such as flags, come last on the axis up.
    """
    kinds = pd.api.types
    numbers = [str(name) for name in rows if kinds.is_numeric_dtype(rows[name])]
    times = [str(name) for name in rows if kinds.is_datetime64_any_dtype(rows[name])]
    words = [str(name) for name in rows if kinds.is_string_dtype(rows[name])]
    up = sorted(numbers, key=lambda name: rows[name].nunique() <= _HARDLY_VARIES)
    few = [name for name in (*words, *numbers) if rows[name].nunique() <= _MANY_SERIES]
    return [*times, *words, *numbers], up, few


def _show_chart(rows: pd.DataFrame) -> None:
    across, up, colours = chart_columns(rows)
    if not across or not up:
        st.caption("A chart needs a column of numbers.")
        return
    with st.container(horizontal=True, gap="small"):
        x = choose_one("Across", "x", across)
        y = choose_one("Up", "y", [name for name in up if name != x] or up)
        colour = choose_one("Colour", "colour", _colours(rows, x, [x, y], colours))
    if len(rows) > _CHART_ROWS:
        st.caption(f"The first {_CHART_ROWS:,} rows are drawn.")
    st.altair_chart(
        result_chart(rows.head(_CHART_ROWS), x, y, None if colour == _NO_COLOUR else colour),
        width="stretch",
        alt="The result as a chart",
    )


def _colours(rows: pd.DataFrame, x: str, taken: list[str], colours: list[str]) -> list[str]:
    """Columns to colour by; none is the default unless several rows share a place across."""
    free = [name for name in colours if name not in taken]
    return [*free, _NO_COLOUR] if rows[x].duplicated().any() else [_NO_COLOUR, *free]


def result_chart(rows: pd.DataFrame, x: str, y: str, colour: str | None) -> alt.Chart:
    """Points over time or numbers, bars over words."""
    table = pd.DataFrame({"x": rows[x], "y": rows[y]})
    if colour is not None:
        table["colour"] = rows[colour].astype(str)
    is_time = pd.api.types.is_datetime64_any_dtype(rows[x])
    if is_time:
        table["x"] = pd.to_datetime(table["x"]).dt.tz_localize("UTC")
    is_number = pd.api.types.is_numeric_dtype(rows[x])
    kind = "T" if is_time else "Q" if is_number else "N"
    scale = alt.Scale(type="utc") if is_time else alt.Undefined
    title = f"{x} (UTC)" if is_time else x
    chart = alt.Chart(table).encode(
        x=alt.X(f"x:{kind}", title=title, scale=scale, sort=None, axis=alt.Axis(labelLimit=160)),
        y=alt.Y("y:Q", title=y, scale=alt.Scale(zero=kind == "N")),
        tooltip=[alt.Tooltip(f"x:{kind}", title=x), alt.Tooltip("y:Q", title=y)],
        color=alt.Undefined if colour is None else alt.Color("colour:N", title=colour),
    )
    if kind != "N":
        return chart.mark_circle(size=22, opacity=0.7).properties(height=360)
    beside = chart.encode(xOffset="colour:N") if colour is not None else chart
    return beside.mark_bar().properties(height=420)
