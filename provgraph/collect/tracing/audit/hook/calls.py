"""Tell which functions of the project run in this process: executed by `watch.py`, where asked for.

Each code object is told once, before its first instruction, so a kill loses nothing. Python 3.12
tells by `sys.monitoring`, in all threads and then never again; older ones by a profile function,
thread by thread. Where that can't see everything, it says so, and every function counts.
"""

# ruff: noqa: SIM105, SLF001, F821, S110, BLE001, PLW0603 - executed in the namespace of watch.py
# mypy: ignore-errors

# These run Python functions in threads of their own making, or swap stacks, unseen by profiling.
UNSEEN_BY_PROFILE = frozenset(
    "torch tensorflow jax jaxlib grpc greenlet gevent cffi _cffi_backend _ctypes PyQt5 PyQt6"
    " PySide2 PySide6 zmq cupy pycuda mxnet vtk vtkmodules sip _tkinter".split()
)
CODES = {}
STARTED_IN = getcwd_or_empty() + "/"


def tell_call(code):
    """Record a code object of the project, the first time that it runs."""
    if id(code) in CODES:
        return
    CODES[id(code)] = code  # kept, so that the number stays its own
    file = code.co_filename
    full = file if file[:1] == "/" else STARTED_IN + file
    if full.startswith(ROOT) and watched(full):
        emit(fields(b"F", full, getattr(code, "co_qualname", "")) + END)


def lose_calls(why):
    """Say that functions may run unseen from here on."""
    if not State.calls_lost:
        State.calls_lost = True
        emit(fields(b"F", "", why) + END)


def profiled(frame, event, _arg):
    if event == "call":
        try:
            tell_call(frame.f_code)
        except Exception:
            pass


def on_profile(_args):
    """Notice a profiler of the program's own; threading puts ours into new threads."""
    caller = sys._getframe(2)
    if not (caller.f_code.co_name == "_bootstrap_inner" and with_ours_in_threads()):
        lose_calls("another profiler")


def with_ours_in_threads():
    threading = sys.modules.get("threading")
    return threading is not None and getattr(threading, "_profile_hook", None) is profiled


def on_thread(args):
    """See to it that a thread about to start is profiled."""
    threading = sys.modules.get("threading")
    function = args[0] if args else None
    bootstrap = getattr(getattr(threading, "Thread", None), "_bootstrap", None)
    if bootstrap is None or getattr(function, "__func__", None) is not bootstrap:
        lose_calls("a thread without threading")
    elif threading._profile_hook is None:
        threading._profile_hook = profiled
    elif threading._profile_hook is not profiled:
        lose_calls("another profiler")


class StartThread:
    """Stands in for the function that starts threads, and sees to it that they are profiled."""

    def __init__(self, original):
        self.__wrapped__ = original
        self.__doc__ = original.__doc__
        self.__name__ = original.__name__

    def __call__(self, *args, **named):
        try:
            on_thread(args)
        except Exception:
            lose_calls("a thread")
        return self.__wrapped__(*args, **named)


def on_import_of_calls(args):
    HANDLED_IMPORT(args)
    if args[0] in UNSEEN_BY_PROFILE:
        lose_calls("threads of " + args[0])


def start_telling():
    """Begin; Python before 3.11 doesn't know a function's place, so every function counts."""
    global HANDLED_IMPORT
    if sys.version_info < (3, 11):
        lose_calls("Python before 3.11")
        return
    emit(fields(b"F", "", "") + END)
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None:

        def started(code, _offset):
            try:
                tell_call(code)
            except Exception:
                pass
            return monitoring.DISABLE

        for number in (3, 4, 0):  # the first two have no name of their own
            try:
                monitoring.use_tool_id(number, "provgraph")
            except ValueError:
                continue
            events = monitoring.events.PY_START
            monitoring.register_callback(number, events, started)
            monitoring.set_events(number, events)
            return
        lose_calls("no tool id is free")
        return
    sys.setprofile(profiled)
    HANDLED_IMPORT = HANDLERS["import"]
    HANDLERS["import"] = on_import_of_calls
    HANDLERS["sys.setprofile"] = on_profile
    stand_in = StartThread(_thread.start_new_thread)
    _thread.start_new_thread = _thread.start_new = stand_in
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._start_new_thread = stand_in


State.calls_lost = False
start_telling()
