"""The few SVG elements that the report draws with; coordinates are pixels from the top left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values lie on the page: `low` at pixel `start`, `high` at pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Any) -> Any:
        """Pixel of a value, or of each value of an array."""
        reach = self.high - self.low
        share = (value - self.low) / reach if reach else 0.5 + 0 * value
        return self.start + share * (self.end - self.start)


def element(tag: str, inner: str = "", **attributes: Any) -> str:
    """An element; underscores in attributes' names become hyphens."""
    texts = [
        f' {name.rstrip("_").replace("_", "-")}="{_text(v)}"' for name, v in attributes.items()
    ]
    return f"<{tag}{''.join(texts)}>{inner}</{tag}>" if inner else f"<{tag}{''.join(texts)}/>"


def drawing(width: float, height: float, parts: Iterable[str], label: str) -> Markup:
    """A whole picture, as wide as its place allows; `label` says what it shows."""
    picture = element(
        "svg",
        f"<title>{escape(label)}</title>{''.join(parts)}",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
    )
    return Markup(picture)  # noqa: S704 - `element` and `text` have escaped what is not ours


def text(words: str, x: float, y: float, **attributes: Any) -> str:
    """Words that begin (or by `text_anchor` end) at a point."""
    return element("text", escape(words), x=x, y=y, **attributes)


def rectangle(left: float, top: float, right: float, bottom: float, **attributes: Any) -> str:
    """A rectangle by its corners."""
    return element(
        "rect", x=left, y=top, width=max(right - left, 0), height=bottom - top, **attributes
    )


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Any) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def path(x: Sequence[float], y: Sequence[float], **attributes: Any) -> str:
    """A line through points; it breaks where a point is not finite."""
    pieces, pen_up = [], True
    for across, down in zip(x, y, strict=True):
        if not (np.isfinite(across) and np.isfinite(down)):
            pen_up = True
            continue
        pieces.append(f"{'M' if pen_up else 'L'}{across:.1f} {down:.1f}")
        pen_up = False
    return element("path", d="".join(pieces), **attributes) if pieces else ""


def _text(value: Any) -> str:
    return (
        f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else escape(str(value))
    )
