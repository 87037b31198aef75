"""Keeping a published model right: drift, recommissioning, engineering limits."""
