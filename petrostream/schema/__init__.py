"""What stored data looks like: sensors, labels, columns, keys, Parquet, SQL."""
