"""Start watching this Python process, then step aside as if this file had never been here.

Python imports it because `PYTHONPATH` begins with a directory of the run's spool that holds a link
to it and a `config`. It parses under every Python, and lets alone those too old for audit hooks.
"""

import os
import sys

_here = os.path.dirname(__file__)
# The next sitecustomize is found as without us, and none is missed as without us: this import
# then raises what `site` expects. Nothing of ours stays on the path or among the modules.
sys.path[:] = [entry for entry in sys.path if os.path.normpath(entry or ".") != _here]
for _entry in [entry for entry in sys.path_importer_cache if os.path.normpath(entry) == _here]:
    del sys.path_importer_cache[_entry]
_loaded = set(sys.modules)
if hasattr(sys, "addaudithook"):
    try:
        _file = os.path.join(os.path.dirname(os.path.realpath(__file__)), "watch.py")
        _loader = globals()["__loader__"]
        _code = type(_loader)("_provgraph_watch", _file).get_code("_provgraph_watch")
        # As an import does, but without a module that the program would see.
        exec(_code, {"__name__": "_provgraph_watch", "__file__": _file, "HERE": _here})  # noqa: S102
    except Exception:  # noqa: BLE001, S110 - the program runs, watched or not
        pass
else:
    _rest = [entry for entry in os.environ["PYTHONPATH"].split(":") if entry.rstrip("/") != _here]
    if _rest or os.environ["PYTHONPATH"] == _here + "/":
        os.environ["PYTHONPATH"] = ":".join(_rest)
    else:
        del os.environ["PYTHONPATH"]
for _name in ("__future__", "atexit"):
    if _name not in _loaded:
        sys.modules.pop(_name, None)
del sys.modules["sitecustomize"]
import sitecustomize  # type: ignore[import-not-found] # noqa: E402, F401
