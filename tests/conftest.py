"""Settings for every test."""

import os

from hypothesis import settings

# No deadline: how long an example takes depends on what else the machine does. In CI the examples
# are the same every time, so that a change is judged by what it changed.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")
