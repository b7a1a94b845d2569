"""Number formats and the integer arithmetic that the specification is written in."""

from tritstream.numerics.profiles import PROFILES, Profile, profile_named

__all__ = ["PROFILES", "Profile", "profile_named"]
