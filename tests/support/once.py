"""What one run of the tests makes once, whatever the number of its processes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of this run; the first process to ask fills it by `make`.

    pytest-xdist gives each of its processes a folder of its own inside that of the run.
    """
    own = factory.getbasetemp()
    run = own.parent if own.name.startswith("popen-") else own
    folder, done = run / name, run / f"{name}.done"
    with FileLock(run / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
