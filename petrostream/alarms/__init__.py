"""Alarms: events joined from batches, notifications, what people said."""
