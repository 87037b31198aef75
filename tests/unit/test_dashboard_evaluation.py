"""A published model's evaluation is found wherever it stands, and its absence is no fault."""

import pytest

from dashboard.evaluation import describe

FIGURES = {
    "protocol": "leave-one-well-out",
    "event_recall": 0.75,
    "events": 8,
    "events_found": 6,
    "false_alarms_per_well_day": 0.5,
    "median_detection_delay_s": 600.0,
    "mean_auc": None,
    "by_class": {"2": {"events": 3, "events_found": 3}, "odd": 7},
}


@pytest.mark.parametrize(
    "document",
    [
        {"evaluation": FIGURES},
        {"metrics": FIGURES},
        {"training": {"evaluation": FIGURES}},
        {"training": {"metrics": FIGURES}},
    ],
)
def test_it_is_found_wherever_it_stands(document: dict) -> None:
    found = describe("v1", document)
    assert found.figures["Recall of events"] == "75%"
    assert found.figures["Events found"] == "6"
    assert found.figures["Median delay"] == "600 s"
    assert "Mean AUC" not in found.figures, "a figure that rests on nothing is left out"
    assert found.by_class == {"2": {"events": 3, "events_found": 3}}
    assert found.protocol == "leave-one-well-out"


@pytest.mark.parametrize(
    "document", [{}, {"evaluation": None}, {"training": []}, {"metrics": {"by_class": []}}]
)
def test_none_is_no_fault(document: dict) -> None:
    assert describe("v1", document).figures == {}
