"""The `train` command: train, write the files, publish, then evaluate how that was done."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.answers import Answer
from console.speech import naming_unread, note, report_unread, say
from ml.evaluation.attach import evaluate_procedure, in_words
from ml.training.fit import TrainingSettings, train_on
from ml.training.lessons import Lessons
from ml.training.model_files import JOBLIB_NAME, write_file, write_model
from ml.upkeep.engineering_limits import LIMITS_FILE, read_limits
from petrostream.detection.engineering_limits import Limits
from petrostream.detection.parameters import DetectorSettings
from petrostream.evaluation.document import to_json
from petrostream.registry.model_files import EVALUATION_NAME, PackedModel, pack, unpack
from petrostream.registry.models import ModelRegistry, find_registry
from petrostream.settings import state_folder


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train on and how, and what to do with the model.

    `into` is the folder for the files (by default `model` in the state folder), `limits` the
    settings file of engineering limits.
    """

    data: Path
    training: TrainingSettings
    limits: Path = LIMITS_FILE
    into: Path | None = None
    limit: int | None = None
    publishes: bool = True
    evaluates: bool = True


def train(options: TrainOptions) -> Answer:
    """Train and publish, then evaluate; 3 if some recordings could not be read.

    Raises
    ------
    UsageError
        If there is nothing to train on, or the files can't be read or written.
    """
    limits = read_limits(options.limits)
    registry = find_registry() if options.publishes else None
    lessons = Lessons.find(options.data, options.limit, options.training, DetectorSettings())
    with naming_unread(lessons.problems):
        facts = _train(options, lessons, limits, registry)
    return Answer(facts, report_unread(lessons.problems))


def _train(
    options: TrainOptions, lessons: Lessons, limits: Limits, registry: ModelRegistry | None
) -> dict[str, Any]:
    trained = train_on(lambda: lessons, options.training, lessons.settings, limits)
    packed = pack(trained.detector, trained.facts)
    folder = options.into or state_folder() / "model"
    files = write_model(trained, packed, folder)
    say(
        f"trained model {packed.pointer.version} on {trained.facts['windows']} normal windows of "
        f"{trained.facts['recordings']} recordings; files in {folder}"
    )
    if registry is not None:
        is_another = registry.publish(packed, {JOBLIB_NAME: files[JOBLIB_NAME]})
        became = "is now the current one" if is_another else "was the current one already"
        say(f"published model {packed.pointer.version}; it {became}")
    evaluation = _evaluate(packed, lessons, folder, registry) if options.evaluates else None
    return {
        "model": packed.pointer.version,
        "windows": trained.facts["windows"],
        "recordings": trained.facts["recordings"],
        "folder": str(folder),
        "published": registry is not None,
        "evaluation": None if evaluation is None else json.loads(evaluation),
    }


def _evaluate(
    packed: PackedModel, lessons: Lessons, folder: Path, registry: ModelRegistry | None
) -> bytes:
    """The model is published by now: it scores while it is evaluated."""
    model = unpack(packed.pointer, packed.manifest, packed.forest)
    document = evaluate_procedure(model, lessons.few(), note)
    body = to_json(document)
    write_file(folder, EVALUATION_NAME, body)
    if registry is not None:
        registry.attach(model.version, body)
    say(in_words(document))
    return body
