"""Facts told from inside a Python program: runs, steps, and the keys of a config that it reads."""
