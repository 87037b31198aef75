"""The page *Accuracy*: how good the detector was on what was replayed, and in its evaluation."""
