"""The Terraform root, ready to run in a test, where Terraform and its provider can be had."""

import os
from pathlib import Path

import pytest

from deploy.embedded import copy_root, process_environment
from deploy.root import FOLDER
from deploy.terraform.diagnosis import ProviderUnavailable
from deploy.terraform.process import Terraform, installed_version
from petrostream.errors import UsageError

_REQUIRED = "terraform" in os.environ.get("PETROSTREAM_TEST_REQUIRES", "")


def prepare_root(folder: Path, root: Path = FOLDER) -> None:
    """Copy a root and initialise it; skips, saying why, where it can't be, unless it must be."""
    copy_root(root, folder)
    try:
        installed_version()
        Terraform(folder, process_environment({})).init(seconds=600 if _REQUIRED else 60)
    except (UsageError, ProviderUnavailable) as error:
        if _REQUIRED:
            raise
        pytest.skip(f"Terraform or its provider can't be had: {str(error).splitlines()[0]}")
