"""From recordings to a trained model and its files."""
