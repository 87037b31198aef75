"""The documentation as tests read it: pages, links, headings, commands and code spans."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from petrostream.settings import PROJECT_ROOT

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK: Final = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_PROMPT: Final = re.compile(r"^\$ (.+?)(?:\s{2,}# .*| # .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """A page of the documentation."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the repository's root."""
        return self.path.relative_to(PROJECT_ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """What stands outside of blocks of code."""
        return _FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """What stands between backticks."""
        return [span.replace("\\|", "|") for span in _SPAN.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        """Where its links and pictures lead, but for other sites."""
        found = _LINK.findall(self.prose)
        return [link for link in found if not re.match(r"[a-z]+:", link)]

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading of it may end with, as GitHub makes it of the heading."""
        return {_slug(heading) for heading in _HEADING.findall(self.prose)}

    @property
    def commands(self) -> list[str]:
        """Command lines: after a prompt in a block, and in spans."""
        blocks = [body for _language, body in _FENCE.findall(self.text)]
        typed = [line for block in blocks for line in _PROMPT.findall(block)]
        return [*typed, *self.spans]

    def examples(self, language: str) -> list[str]:
        """Its blocks of code in a language."""
        return [body for named, body in _FENCE.findall(self.text) if named == language]

    def section(self, heading: str) -> str:
        """What stands below a heading, up to the next one."""
        _before, _found, rest = self.text.partition(f" {heading}\n")
        return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def documents() -> list[Document]:
    """Every page that is written for people."""
    return [Document(path) for path in sorted(_paths())]


def document(name: str) -> Document:
    """One page, by its path from the repository's root."""
    return Document(PROJECT_ROOT / name)


def _paths() -> Iterator[Path]:
    yield from PROJECT_ROOT.glob("*.md")
    for folder in ("docs", "infrastructure", "tests"):
        for path in (PROJECT_ROOT / folder).rglob("*.md"):
            if not any(part.startswith(".") for part in path.relative_to(PROJECT_ROOT).parts):
                yield path


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
