"""Alarms as people read them: joined, worded, listed, the recent ones first."""
