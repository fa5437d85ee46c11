"""Run provgraph as `python -m provgraph`."""

import sys

from provgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
