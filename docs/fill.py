"""Run the commands that pages ask the output of, and put their outputs in.

    python docs/fill.py build/demo docs/tutorial.md

After a line `<!-- output: COMMAND -->` comes a block with the command and what it wrote; it is
replaced, or put there if it is missing. Commands run in the folder, in `sh`, 90 columns wide.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ASKED = re.compile(r"(<!-- output: (.+?) -->\n)(?:```console\n.*?\n```\n)?", re.DOTALL)
PLAIN = {"COLUMNS": "90", "NO_COLOR": "1"}


def main(folder: str, *pages: str) -> None:
    """Fill pages with outputs of commands run in a folder."""
    for page in map(Path, pages):
        text = page.read_text(encoding="utf-8")
        page.write_text(ASKED.sub(lambda found: filled(found, folder), text), encoding="utf-8")


def filled(found: re.Match[str], folder: str) -> str:
    """Give a mark with its block made anew; fails if the command does."""
    done = subprocess.run(
        ["sh", "-c", found[2]],
        cwd=folder,
        env={**os.environ, **PLAIN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    said = f"$ {found[2]}\n{done.stdout}".rstrip()
    return f"{found[1]}```console\n{said}\n```\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
