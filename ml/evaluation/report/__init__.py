"""The report: one HTML page that needs nothing but itself."""

from ml.evaluation.report.page import write_report

__all__ = ["write_report"]
