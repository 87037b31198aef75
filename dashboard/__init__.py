"""The dashboard: what the pipeline has made of the readings, straight from the curated bucket."""
