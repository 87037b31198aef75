"""The page *Fleet*: which well needs a person."""
