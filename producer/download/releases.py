"""The releases of 3W that are known here, each pinned to one commit of its repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

REPOSITORY: Final = "petrobras/3W"
CREDIT: Final = (
    "3W dataset: Petrobras, CC BY 4.0; please cite Vargas et al. 2019, "
    "doi 10.1016/j.petrol.2019.106223"
)


@dataclass(frozen=True, slots=True)
class Release:
    """A release of 3W: its version, the commit that holds it, how its files end, a folder for it.

    Its recordings stand in the repository as `dataset/<class>/<name><suffix>`.
    """

    version: str
    commit: str
    suffix: str
    folder: Path


RELEASES: Final[Mapping[int, Release]] = MappingProxyType(
    {
        1: Release(
            version="1.0.0",
            commit="428f4b38ae1a3f5f9540681f7b377ea13e171fd6",
            suffix=".csv",
            folder=Path("data/3w-release-1"),
        ),
        2: Release(
            version="2.0.0",
            commit="8abe820e1804c320fb9d908965913ed535cd8e9f",
            suffix=".parquet",
            folder=Path("data/3w"),
        ),
    }
)
CURRENT: Final = 2
"""The release that is fetched if none is named."""
