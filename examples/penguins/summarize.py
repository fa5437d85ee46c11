"""Set the metrics of all versions side by side: summarize.py METRICS... SUMMARY"""

import sys
from pathlib import Path

import pandas as pd

from penguins.io import read_json, write_table


def main(*paths: str) -> None:
    *metrics_paths, summary_path = paths
    rows = [{"version": Path(path).parent.name, **read_json(path)} for path in metrics_paths]
    write_table(pd.DataFrame(rows), summary_path)
    print(f"{summary_path}: {len(rows)} versions")


if __name__ == "__main__":
    main(*sys.argv[1:])
