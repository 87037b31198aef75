"""The page *Well*: what its sensors did, why and since when."""
