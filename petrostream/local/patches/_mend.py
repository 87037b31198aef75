"""The form of a mend."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mend:
    """An attribute of one of moto's classes, and what takes its place or is added."""

    owner: type
    name: str
    replacement: Any
