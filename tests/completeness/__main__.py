"""Compare random scripts with what provgraph says of them: `python -m tests.completeness [-h]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.completeness.perturbing import Judged, judged
from tests.completeness.scripts import script
from tests.faults.world import Asking


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--scripts", type=int, default=500, help="how many")
    parser.add_argument("--show", action="store_true", help="show each script that isn't right")
    asked = parser.parse_args()
    every: list[Judged] = []
    with tempfile.TemporaryDirectory() as top:
        env = environment(Path(top))
        asking = Asking()
        for seed in range(asked.first, asked.first + asked.scripts):
            one = judged(script(seed), Path(top) / "world", env, asking)
            every.append(one)
            if one.missed or one.wrong:
                _say(f"seed {seed}: {[*one.missed, *one.wrong]}")
                if asked.show:
                    _say(script(seed).text)
        asking.close()
    true, hit = sum(one.true for one in every), sum(one.hit for one in every)
    extra, blocked = sum(one.extra for one in every), sum(one.blocked for one in every)
    _say(
        f"{len(every)} scripts, {sum(one.steps for one in every)} runs and steps, "
        f"{sum(one.coarse for one in every)} as one step with a gap\n"
        f"{true} pairs of a source and a product that it changes: {hit} hit, "
        f"{blocked} not hit behind a blocking gap, {true - hit - blocked} missed; "
        f"{extra} hit without a byte changed"
    )
    return int(any(one.missed or one.wrong for one in every))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def environment(home: Path) -> dict[str, str]:
    """Give an environment that knows nothing of the person who tests."""
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
