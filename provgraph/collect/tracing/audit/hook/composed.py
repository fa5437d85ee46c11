"""Tell which configs Hydra composes: executed by `watch.py` once Hydra is imported.

What Hydra opens for a program that it runs is told as opened by that run of Hydra. Such an opening
counts as any other, unless `provgraph.hydra` says, in the same run of Hydra, which keys of the file
count. What a program opens beside that, or composes itself, counts as a whole.
"""

# ruff: noqa: F821 - executed in the namespace of watch.py
# mypy: ignore-errors

SOURCE = "hydra._internal.core_plugins.file_config_source"
RUNNER = "hydra._internal.hydra"


def runs_task(frame):
    """Tell the frames in which Hydra composes for a program that it runs."""
    name = frame.f_globals.get("__name__")
    return name == RUNNER and frame.f_code.co_name in ("get_mode", "run", "multirun")


def composition_of(frame):
    """Number the run of Hydra that this frame is a part of; its object is that run alone."""
    import _weakref

    runner = frame.f_locals.get("self")
    if runner is None:
        return None
    known = getattr(State, "runner", None)
    if known is None or known() is not runner:
        State.runner = _weakref.ref(runner)
        State.composition = getattr(State, "composition", 0) + 1
    return State.composition


def opened_by(frame):
    """Say for which composition a file is opened: 0 for our own look, None for no composition."""
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if module == "provgraph.hydra":
            return 0
        if runs_task(frame):
            return composition_of(frame)
        if type(module) is not str:
            return None
        if module.partition(".")[0] not in ("hydra", "omegaconf") and not ours(frame):
            return None
        frame = frame.f_back
    return None


def composes(path, _mode, flags):
    """Record a config that Hydra opens to compose it; false for all else."""
    if type(path) is not str or not path.endswith((".yaml", ".yml")) or flags & CHANGING:
        return False
    frame = caller()
    if frame is None or frame.f_globals.get("__name__") != SOURCE:
        return False
    number = opened_by(frame)
    if number is None:
        return False
    if number == 0:
        return True
    full = absolute(path)
    seen = stat(full)
    if seen.st_mode & FORMAT != REGULAR or not watched(full):
        return False
    INODES.add(seen.st_ino)
    emit(fields(b"M", time_ns(), number, full, *numbers_of(seen)) + END)
    if not State.alone:
        DOUBTS[_thread.get_ident()] = (path, full, b"read", stamp(seen))
    return True


def on_open_of_composed(args):
    noted = False
    try:
        noted = composes(*args)
    except Exception as error:
        if foreign(error):
            raise
    if not noted:
        OPEN_BEFORE_COMPOSED(args)


def on_composed(args):
    """Record that all that counts of a composed file was told by key."""
    path, numbers = args
    frame = caller()
    while frame is not None and not runs_task(frame):
        frame = frame.f_back
    number = composition_of(frame) if frame is not None else None
    if number is not None:
        emit(fields(b"J", time_ns(), number, path, *numbers) + END)


OPEN_BEFORE_COMPOSED = HANDLERS["open"]
HANDLERS["open"] = on_open_of_composed
HANDLERS["provgraph.composed"] = on_composed
