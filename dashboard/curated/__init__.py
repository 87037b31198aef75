"""Reads the curated bucket: what is new, rows, events, labels, annotations; keeps what was read."""
