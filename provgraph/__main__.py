"""Run provgraph as `python -m provgraph`."""

import os
import sys

# `-m` puts the current directory first, where a project's own `copy.py` would be taken for
# Python's. An editable install is found in another way, a checkout that we stand in isn't.
if sys.path[:1] == [os.getcwd()] != [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]:
    del sys.path[0]

from provgraph.cli import main  # noqa: E402 - only now is it ours

if __name__ == "__main__":
    sys.exit(main())
