"""A shell in which each command line is watched and recorded as a run of its own."""
