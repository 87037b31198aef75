"""SQL over the curated data: DuckDB here, Athena on AWS."""
