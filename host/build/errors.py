"""What can stop a build, each with its own name."""

from __future__ import annotations

from tritstream.errors import TritstreamError


class BuildError(TritstreamError):
    """A step of the build cannot run or did not succeed; says where to look and what to try."""


class ToolError(BuildError):
    """A vendor tool is missing, too old, or has no licence."""


class ReportError(BuildError):
    """A report of a vendor tool is missing or not in a format that is known."""
