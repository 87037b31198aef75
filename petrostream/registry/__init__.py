"""What was learned and is in force: models and profiles."""
