"""Have something done to a module once it is executed: by `watch.py`, where it is first needed."""

# ruff: noqa: F821, SIM105 - executed in the namespace of watch.py
# mypy: ignore-errors


class Finder:
    """Finds one module as the others do, once; `then` gets its name and it, when it was executed.

    `then` is to raise nothing.
    """

    def __init__(self, name, then):
        self.name = name
        self.then = then

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        try:
            sys.meta_path.remove(self)
        except ValueError:
            pass
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                self.attend(spec.loader)
                return spec
        return None

    def attend(self, loader):
        own = getattr(loader, "__dict__", None)
        if type(own) is not dict or "exec_module" in own or not hasattr(loader, "exec_module"):
            return  # a loader of another sort, or shared with other modules
        execute = loader.exec_module

        def exec_module(module):
            own.pop("exec_module", None)  # as if it had never been there
            execute(module)
            self.then(self.name, module)

        own["exec_module"] = exec_module
