"""What many files cost: a run that reads 100,000 of them, recorded as one set and one by one.

    python benchmarks/many_files.py [--files N]

The same C program is watched twice, the second time with every file known to the cache; then it is
asked what a change of one file affects. Answers are compared, too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **words) {
    int files = atoi(words[1]);
    char path[64], text[256];
    long sum = 0;
    for (int n = 0; n < files; n++) {
        snprintf(path, sizeof path, "data/%03d/%06d.txt", n / 500, n);
        int file = open(path, O_RDONLY);
        if (file < 0) return 1;
        sum += read(file, text, sizeof text);
        close(file);
    }
    FILE *out = fopen("sum.txt", "w");
    fprintf(out, "%ld\n", sum);
    return fclose(out);
}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    files = parser.parse_args().files
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{files:,} files read by one program; load {load}\n")
    print(f"{'':34}{'as one set':>12}{'one by one':>12}")
    told = [_tell(files, above) for above in (1_000, 1_000_000_000)]
    assert told[0].pop("answer") == told[1].pop("answer")
    for what in told[0]:
        print(f"{what:<34}{told[0][what]:>12}{told[1][what]:>12}")


def _tell(files: int, above: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="many-") as place:
        root = Path(place, "project")
        root.mkdir()
        environ = {**os.environ, "XDG_CACHE_HOME": str(Path(place, "cache"))}

        def timed(*words: str) -> tuple[str, str]:
            began = time.perf_counter()
            said = subprocess.run(
                words, cwd=root, env=environ, check=True, capture_output=True, text=True
            )
            return f"{time.perf_counter() - began:.1f} s", said.stdout

        def provgraph(*words: str) -> tuple[str, str]:
            return timed(sys.executable, "-m", "provgraph", *words)

        timed("git", "init", "--quiet")
        provgraph("init")
        toml = root / "provgraph.toml"
        toml.write_text(toml.read_text().replace("# fold_above = 1000", f"fold_above = {above}"))
        (root / ".gitignore").write_text("data/\n")
        (root / "reader.c").write_text(READER)
        timed("cc", "-O1", "-o", "reader", "reader.c")
        for number in range(files):
            folder = root / "data" / f"{number // 500:03}"
            if number % 500 == 0:
                folder.mkdir(parents=True)
            (folder / f"{number:06}.txt").write_text(f"file {number}\n")
        found = {"the program alone": timed("./reader", str(files))[0]}
        ledger = root / ".git" / "provgraph"
        for which in ("first", "second"):
            found[f"{which} run, watched"] = provgraph("run", "--", "./reader", str(files))[0]
            found[f"ledger after the {which} run"] = _size(ledger)
        asked = "data/007/003503.txt"
        found["impact of one file, new index"] = provgraph("impact", asked)[0]
        found["impact of one file"], answer = provgraph("impact", asked)
        found["status"] = provgraph("status")[0]
        found["local index"] = _size(Path(place, "cache"), "graph.sqlite")
        found["nodes in the graph"] = provgraph("graph", "status")[1].split()[3]
        return {**found, "answer": answer.partition("as of")[0].partition("bring")[0]}


def _size(folder: Path, name: str = "*") -> str:
    size = sum(path.stat().st_size for path in folder.rglob(name) if path.is_file())
    return f"{size / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
