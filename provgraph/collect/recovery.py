"""Turn the spools of watchers that died into records of interrupted runs."""

from __future__ import annotations

import json
import os
from typing import Any

from provgraph.collect.keeping import makes
from provgraph.collect.watching import Site, make_full_tracer, places_of, record_run
from provgraph.ledger.spool import Spool, claim, spools


def recover(site: Site) -> tuple[list[str], list[str]]:
    """Record every dead spool of this host; gives the runs still running, and those unrecorded.

    Live and foreign spools are left alone; what can't be recovered now is tried again next time.
    """
    running: list[str] = []
    unrecorded: list[str] = []
    for spool in spools(site.ledger):
        if spool.state == "live":
            if not (spool.document.get("shell") and _is_around_us(site, spool)):
                running.append(spool.run_id)
        elif spool.state == "dead":
            if _outlived(spool):
                running.append(spool.run_id)  # only its watcher died
                continue
            try:
                taken = claim(spool)
                if taken is not None:
                    _record(site, taken)
            except Exception:  # noqa: BLE001 - what one run left mustn't stop every answer
                unrecorded.append(spool.run_id)
    return running, unrecorded


def _is_around_us(site: Site, spool: Spool) -> bool:
    """Tell whether we are what a watched shell runs at the moment, and all that it runs."""
    from provgraph.collect.nested import watched_shells
    from provgraph.collect.shell.book import waits

    return spool.run_id in watched_shells(site.ledger.place) and not waits(spool)


def is_running(spool: Spool) -> bool:
    """Tell whether a spool's command still runs on this host, with its watcher or without."""
    return spool.state == "live" or (spool.state == "dead" and _outlived(spool))


def _record(site: Site, spool: Spool) -> None:
    from provgraph.collect.gitstate import git_state
    from provgraph.collect.run import COMMAND, Finished, told_streams

    done = spool.concluded()
    if done:
        for record in done:
            site.ledger.append(record)
        spool.finish()
        return
    told = _told(spool.events / COMMAND)
    if not told:
        spool.finish()  # it died before the command started
        return
    if spool.document.get("shell"):
        from provgraph.collect.shell.book import recover_shell

        recover_shell(site, spool, int(told["pid"]))
        return
    trace = make_full_tracer(site).collect(spool.events)
    if spool.document.get("cell") and not makes(trace, places_of(site, spool.document["host"])):
        spool.finish()  # the usual end of a notebook's kernel
        return
    started = int(told.get("started_ns", spool.document.get("started_ns", 0)))
    ended = max([started, *(access.when for access in trace.accesses)])
    finished = Finished(
        status="interrupted",
        exit=None,
        signal=None,
        started_ns=started,
        ended_ns=ended,
        seconds=(ended - started) / 1e9,
        cpu_seconds=0.0,
        peak_memory=0,
        pid=int(told.get("pid", 0)),
        streams=told_streams(told),
    )
    record_run(site, spool, finished, trace, git_state(site.root, site.ledger.key))


def _outlived(spool: Spool) -> bool:
    """Tell whether the command still runs, started by a watcher that was killed."""
    from provgraph.collect.run import COMMAND

    told = _told(spool.events / COMMAND)
    pid = told.get("pid")
    if not isinstance(pid, int) or pid <= 0 or spool.owner is None:
        return False
    try:
        # Our entry in its PYTHONPATH names the spool, so a pid used again isn't mistaken for it.
        with open(f"/proc/{pid}/environ", "rb") as file:
            return os.fsencode(spool.run_id) in file.read()
    except OSError:
        return False


def _told(path: os.PathLike[str]) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
