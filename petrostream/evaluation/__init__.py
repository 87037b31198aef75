"""How good a detection was: judging a recording, adding up, the document."""
