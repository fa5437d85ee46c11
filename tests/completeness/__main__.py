"""Compare random scripts with what provgraph says of them: `python -m tests.completeness [-h]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.completeness import perturbing_programs
from tests.completeness.perturbing import Judged, judged
from tests.completeness.programs import PATH, PROGRAMS
from tests.completeness.scripts import script
from tests.faults.world import Asking


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--scripts", type=int, default=500, help="how many")
    parser.add_argument("--programs", nargs="*", help="real programs instead: these, or all")
    parser.add_argument("--show", action="store_true", help="show each script that isn't right")
    asked = parser.parse_args()
    return _scripts(asked) if asked.programs is None else _programs(asked.programs)


def _programs(names: Sequence[str]) -> int:
    """Alter each file of the programs in turn, and print a line for each."""
    whole = perturbing_programs.Found()
    bad, tried, false = 0, 0, 0
    with tempfile.TemporaryDirectory() as top:
        env, asking = environment(Path(top)), Asking()
        for one in PROGRAMS:
            if names and one.name not in names:
                continue
            if one.lacks():
                _say(f"{one.name}: not tried, {one.lacks()} isn't here")
                continue
            found = perturbing_programs.judged(one, Path(top) / "world", env, asking)
            tried += 1
            whole.true += found.true
            whole.hit += found.hit
            whole.blocked += found.blocked
            whole.inputs += found.inputs
            whole.extra |= {f"{one.name}/{name}" for name in found.extra}
            false += bool(found.complete and found.missed)
            bad += bool(found.missed or found.wrong)
            _say(
                f"{one.name}: {found.hit} of {found.true} hit, {found.blocked} behind a gap, "
                f"inputs that change nothing: {', '.join(sorted(found.extra)) or 'none'}"
                + "".join(f"\n  ! {line}" for line in (*found.missed, *found.wrong))
            )
        asking.close()
    _say(
        f"{tried} programs: {whole.true} pairs of an alteration and a product that it changes, "
        f"{whole.hit} hit, {whole.blocked} behind a blocking gap, "
        f"{whole.true - whole.hit - whole.blocked} missed; fully traced and missed: {false}; "
        f"{len(whole.extra)} of {whole.inputs} inputs change nothing"
    )
    return int(bad > 0)


def _scripts(asked: argparse.Namespace) -> int:
    """Write random scripts, change each of their sources in turn, and print those not right."""
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
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
