"""The whole evaluation: leave one well out, judge it, and set beside it what comparators say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ml.evaluation import leave_one_well_out
from ml.evaluation.benchmark2 import paper
from ml.evaluation.benchmark2.detector import benchmark2_scores, choose_rule
from ml.evaluation.comparators import (
    Comparator,
    OutlierFactor,
    PaperForest,
    RawForest,
    RootMeanSquare,
)
from ml.evaluation.instances import Instance, check
from ml.evaluation.metrics_document import figures
from ml.evaluation.thresholds import limit_within_budget
from ml.evaluation.verdicts import Verdict, verdict_at
from ml.training.fit import Lesson
from petrostream.registry.model_files import Model

WITHIN_BUDGET: Final = "-within-budget"
COMPARATORS: Final[tuple[type[Comparator], ...]] = (
    RawForest,
    PaperForest,
    OutlierFactor,
    RootMeanSquare,
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class EvaluationRun:
    """Everything that the table, the JSON and the report are made of.

    `verdicts` has, for each method, what it says of each recording of a real well, by name;
    `simulated` what ours says of the instances that no well gave.
    """

    instances: tuple[Instance, ...]
    verdicts: dict[str, dict[str, Verdict]]
    simulated: tuple[tuple[Instance, Verdict], ...]
    benchmark2: dict[str, Any]
    comparators: tuple[str, ...] = field(default=())

    def figures_of(self, method: str) -> dict[str, Any]:
        """The figures of one method."""
        return figures(self.instances, self.verdicts[method])

    def to_json(self) -> dict[str, Any]:
        """What `JSON=` gets."""
        return {
            **self.figures_of(leave_one_well_out.NAME),
            "comparators": {name: self.figures_of(name) for name in self.comparators},
            "benchmark2": self.benchmark2,
        }


def evaluate(instances: Sequence[Instance], say: Say) -> EvaluationRun:
    """Judge every real well by what was learned on the others.

    Parameters
    ----------
    instances
        All recordings; those of no real well are neither trained on nor counted.
    say
        Called with what is being done.

    Raises
    ------
    UsageError
        If there are fewer than two real wells, or no event.
    """
    check(instances)
    real = [instance for instance in instances if instance.truth.is_real]
    chosen = [instance for instance in real if paper.is_chosen(instance)]
    own: dict[str, Verdict] = {}
    f1: dict[str, float] = {}
    wells = sorted({instance.well for instance in real})
    procedure = leave_one_well_out.Procedure()
    lessons = {instance.name: procedure.lesson(instance) for instance in real}
    for fold in leave_one_well_out.leave_one_out(real, lessons, procedure, say):
        own |= fold.verdicts
        f1 |= _benchmark2(fold.well, chosen, fold.model)
    say("comparators")
    verdicts = {leave_one_well_out.NAME: own, **_compare(real, wells, say)}
    say("benchmark 2")
    return EvaluationRun(
        instances=tuple(real),
        verdicts=verdicts,
        simulated=_simulated(instances, list(lessons.values()), procedure),
        benchmark2=paper.summary([f1[instance.name] for instance in chosen], paper.compare(chosen)),
        comparators=tuple(name for name in verdicts if name != leave_one_well_out.NAME),
    )


def _benchmark2(well: str, chosen: Sequence[Instance], model: Model) -> dict[str, float]:
    """F1 of a well's instances, by a rule chosen on the other wells' instances."""
    if not any(instance.well == well for instance in chosen):
        return {}
    scores = {one.name: benchmark2_scores(one, model.detector) for one in chosen}
    rule = choose_rule([scores[one.name] for one in chosen if one.well != well])
    return {one.name: rule.f1(scores[one.name]) for one in chosen if one.well == well}


def _compare(
    real: Sequence[Instance], wells: Sequence[str], say: Say
) -> dict[str, dict[str, Verdict]]:
    verdicts: dict[str, dict[str, Verdict]] = {}
    for comparator in (kind() for kind in COMPARATORS):
        say(f"  {comparator.name}")
        for well in wells:
            for name, found in _fold(comparator, real, well).items():
                verdicts.setdefault(name, {}).update(found)
    return verdicts


def _fold(
    comparator: Comparator, real: Sequence[Instance], well: str
) -> dict[str, dict[str, Verdict]]:
    """What a comparator says of one well, by its own limit and by one within the budget."""
    training = [instance for instance in real if instance.well != well]
    judged = [instance for instance in real if instance.well == well]
    comparator.fit(training)
    limits = {}
    if comparator.own_limit is not None:
        limits[comparator.name] = comparator.own_limit
    if comparator.takes_budget:
        scores = [(instance, comparator.score(instance)) for instance in training]
        suffix = WITHIN_BUDGET if limits else ""
        limits[comparator.name + suffix] = limit_within_budget(scores)
    return {
        name: {
            one.name: verdict_at(one.microseconds, comparator.score(one), limit) for one in judged
        }
        for name, limit in limits.items()
    }


def _simulated(
    instances: Sequence[Instance],
    lessons: Sequence[Lesson],
    procedure: leave_one_well_out.Procedure,
) -> tuple[tuple[Instance, Verdict], ...]:
    simulated = [instance for instance in instances if not instance.truth.is_real]
    if not simulated:
        return ()
    model = leave_one_well_out.fit(lessons, procedure)
    return tuple((instance, leave_one_well_out.judge(instance, model)) for instance in simulated)
