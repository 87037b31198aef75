"""How good the detector is: leave-one-well-out metrics, comparators, benchmark 2, a report.

The definitions are in `docs/evaluation.md`; each module is one of its sections.
"""
