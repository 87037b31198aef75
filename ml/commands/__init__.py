"""The models' part of the command line.

Help and completion import these modules, so the work is imported once it is to be done.
"""

from ml.commands.models import evaluate, list_, publish, rollback, train
from ml.commands.upkeep import annotations, drift, limits, recommission

__all__ = ["COMMANDS", "annotations"]

COMMANDS = (train, evaluate, publish, rollback, list_, limits, drift, recommission)
