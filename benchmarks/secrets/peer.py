"""Run by the peer's own Python: what `detect-secrets` finds in files, as JSON {file: [lines]}."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings


def main(paths: list[str]) -> None:
    found = {}
    began = time.perf_counter()
    with default_settings():
        for path in paths:
            found[path] = sorted({one.line_number for one in scan_file(path)})
    seconds = time.perf_counter() - began
    json.dump(
        {"version": version("detect-secrets"), "seconds": seconds, "found": found}, sys.stdout
    )


if __name__ == "__main__":
    main(sys.argv[1:])
