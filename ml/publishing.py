"""Which model is the current one: publish, go back, list."""

from pathlib import Path

from console.answers import Answer
from console.speech import say
from ml.training.model_files import JOBLIB_NAME, read_evaluation, read_model
from petrostream.errors import ModelNotReady, UsageError
from petrostream.registry.model_files import Pointer
from petrostream.registry.models import ModelRegistry, find_registry


def publish(folder: Path) -> Answer:
    """Publish a model that was trained before, with its evaluation where it has one.

    Raises
    ------
    UsageError, InvalidModel, InvalidEvaluation
        If the folder's files are not there, or do not fit.
    """
    packed, evaluation = read_model(folder), read_evaluation(folder)
    registry = find_registry()
    extra = folder / JOBLIB_NAME
    version = packed.pointer.version
    is_another = registry.publish(
        packed, {JOBLIB_NAME: extra.read_bytes()} if extra.is_file() else {}
    )
    if evaluation is not None:
        registry.attach(version, evaluation)
    became = "is now the current one" if is_another else "was the current one already"
    say(f"published model {version}; it {became}")
    return Answer({"model": version, "evaluated": evaluation is not None})


def roll_back(version: str | None = None) -> Answer:
    """Move the pointer back: to a version, or to the model published before the current one.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    registry = find_registry()
    target = registry.pointer_to(version) if version else previous(registry)
    registry.move(target)
    say(f"model {target.version} is the current one again")
    return Answer({"model": target.version})


def previous(registry: ModelRegistry) -> Pointer:
    """The model that was first published before the current one.

    Raises
    ------
    UsageError
        If there was none.
    """
    current = registry.pointer()
    published = list(dict.fromkeys(registry.history()))
    if current not in published[1:]:
        raise UsageError(
            f"no model was published before {current.version}: name one with --to <version>"
        )
    return published[published.index(current) - 1]


def list_models() -> Answer:
    """List the models in the order of their publication."""
    registry = find_registry()
    try:
        current = registry.pointer().version
    except ModelNotReady as error:
        say(str(error))
        return Answer({"current": None, "models": []})
    versions = [pointer.version for pointer in dict.fromkeys(registry.history())]
    for version in versions:
        say(f"{version}{'  current' * (version == current)}")
    return Answer({"current": current, "models": versions})
