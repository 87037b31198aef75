"""From a 3W file to a raw batch, and from S3's notification to its object."""
