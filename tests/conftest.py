"""Settings for all tests."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.neo4j.fixtures"]

# In CI a landing doesn't hang on a draw; elsewhere every run draws anew.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
