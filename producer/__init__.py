"""The producer: replays 3W recordings into the raw bucket, and gets or makes them first."""
