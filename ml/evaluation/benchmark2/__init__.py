"""Benchmark 2 of the 3W paper, for comparators and for the detector."""
