"""The detector: profile, windows, features, forest, limits, persistence."""
