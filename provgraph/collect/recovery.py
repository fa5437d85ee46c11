"""Turn the spools of watchers that died into records of interrupted runs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from provgraph.collect.keeping import makes
from provgraph.collect.tracing.aside import remove_asides
from provgraph.collect.watching import Site, make_full_tracer, places_of, record_run
from provgraph.ledger.files import sweep
from provgraph.ledger.spool import Spool, claim, release, spools

if TYPE_CHECKING:
    from provgraph.collect.account import Finished, Told
    from provgraph.collect.trace import Trace


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
            taken = claim(spool)
            if taken is None:
                continue
            try:
                remove_asides(taken.events)
                _record(site, taken)
                sweep(site.ledger.place, dead=spool.dead_writers)
            except Exception:  # noqa: BLE001 - what one run left mustn't stop every answer
                unrecorded.append(spool.run_id)
                release(taken)  # a process that lives long would be taken for still at it
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
    from provgraph.collect.account import Told, told_command, told_end
    from provgraph.collect.gitstate import git_state

    done = spool.concluded(site.ledger)
    if done:
        for record in done:
            site.ledger.append(record)
        spool.finish()
        return
    told = told_command(spool.events)
    if told is not None and spool.document.get("shell"):
        from provgraph.collect.shell.book import recover_shell

        recover_shell(site, spool, told.pid)
        return
    trace = make_full_tracer(site).collect(spool.events)
    if not (told and told.pid) and not trace.processes:
        spool.finish()  # it died before the command started
        return
    if spool.document.get("cell") and not makes(trace, places_of(site, spool.document["host"])):
        spool.finish()  # the usual end of a notebook's kernel
        return
    if told is None:
        document = spool.document
        told = Told(0, tuple(document["argv"]), document["started_ns"], ())
    finished = told_end(spool.events, told) or _broken_off(told, trace)
    if not told.pid:  # its watcher died as it started it: who is missing of the tree isn't known
        trace = replace(trace, gaps=(*trace.gaps, ("log-cut", spool.document["step"]["label"])))
    record_run(site, spool, finished, trace, git_state(site.root, site.redactor))


def _broken_off(told: Told, trace: Trace) -> Finished:
    """Say what can be said of how a command ended that nobody waited for."""
    from provgraph.collect.account import Finished

    ended = max([told.started_ns, *(access.when for access in trace.accesses)])
    return Finished(
        status="interrupted",
        exit=None,
        signal=None,
        started_ns=told.started_ns,
        ended_ns=ended,
        seconds=(ended - told.started_ns) / 1e9,
        cpu_seconds=0.0,
        peak_memory=0,
        pid=told.pid,
        streams=told.streams,
    )


def _outlived(spool: Spool) -> bool:
    """Tell whether the command still runs, started by a watcher that was killed."""
    from provgraph.collect.account import told_command

    try:
        told = told_command(spool.events)
        if told is None or told.pid <= 0 or spool.owner is None:
            return False
        # Our entry in its PYTHONPATH names the spool, so a pid used again isn't mistaken for it.
        with open(f"/proc/{told.pid}/environ", "rb") as file:
            return os.fsencode(spool.run_id) in file.read()
    except OSError:
        return False
