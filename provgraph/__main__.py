"""Run provgraph as `python -m provgraph`."""

import os
import sys

if __name__ == "__main__":
    # `-m` puts the current directory first, where a project's own `copy.py` would be taken for
    # Python's. It stays where it is the checkout that provgraph itself is found in.
    if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):
        del sys.path[0]
    from provgraph.cli import main

    sys.exit(main())
