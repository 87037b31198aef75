"""How the states of wells look: words, a shape and a colour each, so that no one has to tell
colours apart.
"""

from typing import Final

from dashboard.wells.status import WellState

MARKS: Final = {
    WellState.ALARM: ("▲", "red"),
    WellState.SILENT: ("✕", "violet"),
    WellState.UNSCORABLE: ("◌", "violet"),
    WellState.DEGRADED: ("◆", "orange"),
    WellState.HAD_ALARMS: ("△", "orange"),
    WellState.COMMISSIONING: ("◔", "gray"),
    WellState.NORMAL: ("●", "blue"),
}
_HUES: Final = {
    "red": "224, 49, 49",
    "violet": "132, 94, 247",
    "orange": "232, 137, 12",
    "gray": "134, 142, 150",
    "blue": "28, 126, 214",
}
_STRONG: Final = frozenset({WellState.ALARM})


def state_markdown(state: WellState) -> str:
    """The same in its colour, as Markdown."""
    mark, colour = MARKS[state]
    return f":{colour}[**{mark} {state}**]"


def tile_key(state: WellState, well: str) -> str:
    """The key of a well's tile; Streamlit makes a CSS class of it, which `tile_styles` colours."""
    return f"tile {state} {well}"


def tile_styles() -> str:
    """A style sheet that gives every state's tiles a coloured edge, those in alarm a ground too."""
    rules = []
    for state, (_, colour) in MARKS.items():
        hue, name = _HUES[colour], str(state).replace(" ", "-")
        ground = f"background: rgba({hue}, 0.14);" if state in _STRONG else ""
        rules.append(
            f'[class*="st-key-tile-{name}-"] {{ border-left: 5px solid rgb({hue}); {ground} }}'
        )
    rules.append('[class*="st-key-tile-"] img { border-radius: 0; }')
    return f"<style>{' '.join(rules)}</style>"


def score_line(scores: list[float], *, highest: float = 2.0) -> str:
    """A small picture (SVG) of the worst scores over time: bars, those from the threshold on red.

    Scores are in the order of time, NaN where nothing was scored.
    """
    width, height, threshold = 240, 36, 1.0
    step = width / max(len(scores), 1)
    bars = []
    for place, score in enumerate(scores):
        if score != score:  # noqa: PLR0124 - NaN
            continue
        tall = max(min(score, highest) / highest * height, 1.0)
        colour = "#e03131" if score >= threshold else "#6c8ebf"
        bars.append(
            f'<rect x="{place * step:.1f}" y="{height - tall:.1f}" width="{step * 0.9:.1f}" '
            f'height="{tall:.1f}" fill="{colour}"/>'
        )
    dashed = height * (1 - threshold / highest)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none">{"".join(bars)}'
        f'<line x1="0" x2="{width}" y1="{dashed}" y2="{dashed}" stroke="#e8890c" '
        'stroke-dasharray="4 3" stroke-width="1"/></svg>'
    )
