"""A raw batch becomes a scored one, its summary and its events."""
