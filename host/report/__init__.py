"""What a board's owner sends back: its facts, every check, its figures, and a verdict."""

from tritstream.report.collect import collect
from tritstream.report.findings import Report, read_report, write_report
from tritstream.report.page import page

__all__ = ["Report", "collect", "page", "read_report", "write_report"]
