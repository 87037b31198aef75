"""The page *Data quality*: which sensors are sound."""
