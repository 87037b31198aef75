"""Dead letters: how many there are, what they hold, and the way back to the queue."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.shell.readers import reason
from dashboard.ui.timezones import local
from dashboard.views.pipeline.dead_letters import PEEKED, Letter, Queues
from dashboard.views.pipeline.table import SECOND, show_table
from petrostream.aws.queues import QueueDepth
from petrostream.errors import PetroStreamError

_LETTERS: Final = "dead letters of this page"
_ASKING: Final = "redrive is being asked for"
_MOVED: Final = "redrive of this page"
_FAULT: Final = "fault of the dead letters"
_PEEKING: Final = "`sqs:ReceiveMessage` on the dead-letter queue, and `s3:GetObject` on batches"
_MOVING: Final = (
    "`sqs:StartMessageMoveTask`, `sqs:ReceiveMessage` and `sqs:DeleteMessage` on the dead-letter "
    "queue, `sqs:SendMessage` on the others (the policy `operator`)"
)


def show_dead_letters(queues: Queues, dead: QueueDepth, zone: ZoneInfo) -> None:
    """Draw them, and what can be done about them."""
    st.subheader("Dead letters", anchor=False)
    _show_outcome()
    if not dead.total:
        st.session_state.pop(_LETTERS, None)
        st.session_state.pop(_ASKING, None)
        st.caption("There is none: every message was worked on within its tries.")
        return
    with st.container(horizontal=True, gap="small"):
        st.button(
            f"Look at {min(dead.total, PEEKED)} of {dead.total:,}",
            icon=":material/visibility:",
            on_click=_peek,
            args=(queues,),
            help="They can be received by others at once; each look counts as a receipt.",
        )
        st.button(
            "Move back to the queue …",
            icon=":material/replay:",
            on_click=_ask,
            disabled=bool(st.session_state.get(_ASKING)),
        )
    if st.session_state.get(_ASKING):
        _ask_first(queues, dead)
    letters: list[Letter] | None = st.session_state.get(_LETTERS)
    if letters is not None:
        _show_letters(letters, zone)


def _peek(queues: Queues) -> None:
    try:
        st.session_state[_LETTERS] = queues.peek()
    except PetroStreamError as error:
        st.session_state[_FAULT] = f"**They can't be looked at.** {reason(error, _PEEKING)}"


def _ask() -> None:
    st.session_state[_ASKING] = True


def _ask_first(queues: Queues, dead: QueueDepth) -> None:
    with st.container(border=True):
        st.markdown(
            f"**Move {_messages(dead.total)} back to the queue?** Each is tried again, as often as "
            "a new one; what still fails comes back here. Mend the cause first."
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                f"Move {_messages(dead.total)}", type="primary", on_click=_redrive, args=(queues,)
            )
            st.button("Leave them", on_click=lambda: st.session_state.pop(_ASKING, None))


def _messages(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"


def _redrive(queues: Queues) -> None:
    st.session_state.pop(_ASKING, None)
    st.session_state.pop(_LETTERS, None)
    try:
        queues.redrive()
    except PetroStreamError as error:
        st.session_state[_FAULT] = f"**They could not be moved.** {reason(error, _MOVING)}"
    else:
        st.session_state[_MOVED] = "The messages are on their way back to the queue."


def _show_outcome() -> None:
    if fault := st.session_state.pop(_FAULT, None):
        st.error(fault, icon=":material/error:")
    if moved := st.session_state.pop(_MOVED, None):
        st.toast(moved, icon=":material/replay:")


def _show_letters(letters: Sequence[Letter], zone: ZoneInfo) -> None:
    if not letters:
        st.caption("None could be received just now: somebody else may have them in hand.")
        return
    show_table(
        {
            "Sent": [local(each.sent, zone) for each in letters],
            "Received": [each.received for each in letters],
            "Object": [", ".join(each.keys) for each in letters],
            "Why": [each.why or "only the function's log says why" for each in letters],
        },
        {
            "Sent": st.column_config.DatetimeColumn(f"Sent ({zone.key})", format=SECOND),
            "Received": st.column_config.NumberColumn(
                help="How often it was received, looks from here included", width="small"
            ),
            "Object": st.column_config.TextColumn(width="large"),
            "Why": st.column_config.TextColumn(width="large"),
        },
        "Dead letters",
    )
    with st.expander("The messages themselves"):
        for each in letters:
            st.caption(f"`{each.message_id}`")
            st.code(each.body, language="json", wrap_lines=True)
