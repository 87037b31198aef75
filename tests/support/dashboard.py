"""A dashboard in a process of its own, and what a test asks of its page."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from petrostream.settings import PROJECT_ROOT

_START_SECONDS = 60.0


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run ``python -m dashboard`` on a free port; gives its address once it answers."""
    address, process = _started(environment)
    try:
        yield address, process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _started(environment: Mapping[str, str]) -> tuple[str, "subprocess.Popen[str]"]:
    """Start it; on another port if somebody took the free one meanwhile."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "--port", str(port)],
            cwd=PROJECT_ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        address = f"http://127.0.0.1:{port}"
        if _answers(address, process):
            return address, process
        said = process.communicate()[0]
        assert "already in use" in said, said


def _answers(address: str, process: "subprocess.Popen[str]") -> bool:
    """Wait until it answers; false if it ended instead, or was ended for its silence."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.1)
        else:
            return True
    return False


def figure(page: Any, label: str) -> Any:
    """The value on the tile of that label."""
    tile = page.locator("[data-testid=stMetric]").filter(has=page.get_by_text(label, exact=True))
    return tile.locator("[data-testid=stMetricValue]")


def marks(page: Any, kind: str) -> list[list[dict[str, Any]]]:
    """What the chart has painted: the marks of one kind, panel by panel.

    They are read from the scenegraph of the Vega view that Streamlit's chart keeps, which holds
    what the canvas shows; each comes with its datum, colour, text and place.
    """
    page.wait_for_function(f"kind => ({MARKS})(kind).flat().length > 0", arg=kind)
    found: list[list[dict[str, Any]]] = page.evaluate(MARKS, kind)
    return found


def wait_for_points(page: Any, count: int) -> None:
    """Wait until the score has so many points; the score is the last panel that has any."""
    page.wait_for_function(
        f"count => ((({MARKS})('symbol').filter(panel => panel.some("
        "point => 'anomaly score' in point.datum))).at(-1) || []).length === count",
        arg=count,
    )


MARKS = """kind => {
  const element = document.querySelector('[data-testid=stVegaLiteChart]');
  if (!element) return [];
  const key = Object.keys(element).find(name => name.startsWith('__reactFiber$'));
  const viewOf = fiber => {
    for (let hook = fiber.memoizedState; hook && hook.next !== undefined; hook = hook.next) {
      const held = hook.memoizedState && hook.memoizedState.current;
      if (held && typeof held.scenegraph === 'function') return held;
    }
  };
  let fiber = element[key], view;
  while (fiber && !(view = viewOf(fiber))) fiber = fiber.return;
  if (!view) return [];
  const groups = [];
  const walk = mark => {
    if (mark.marktype === kind)
      groups.push(mark.items.map(({datum, fill, text, x, y, opacity}) => ({
        datum: {...datum}, fill, text, x, y, opacity,
      })));
    for (const item of mark.items) for (const inner of item.items || []) walk(inner);
  };
  walk(view.scenegraph().root);
  return groups;
}"""
