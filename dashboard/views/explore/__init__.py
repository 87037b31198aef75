"""The page *Explore*: SQL."""
