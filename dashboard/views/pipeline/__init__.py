"""The page *Pipeline*: throughput, lag, dead letters, quarantine."""
