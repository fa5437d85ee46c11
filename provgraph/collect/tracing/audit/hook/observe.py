"""Tell which keys of some configs a program reads: executed by `watch.py`, where asked for.

Those files are opened as objects that tell when they are read; what json, yaml or tomllib load from
one is a dictionary that tells which of its keys are read. Lists are one value. Whatever else is
done with such a file counts as reading all of it. What was told may still count for nothing:
whether other code could have looked past the dictionary, is judged later (`observing.py`).
"""

# ruff: noqa: F821, SLF001 - executed in the namespace of watch.py
# mypy: ignore-errors

import _io  # a part of the interpreter that is always there
import builtins

TEXT, BUFFER = _io.TextIOWrapper, _io.BufferedReader
MOST_VALUES = 100_000  # of a config; a larger one counts as a whole
HOW = ("file", "mode", "buffering", "encoding", "errors", "newline", "closefd", "opener")
PLAINLY = {"buffering": -1, "closefd": True, "opener": None}
MODES = {"r": True, "rt": True, "rb": False}
UTF_8 = ("utf-8", "utf8", "utf-8-sig")
OPENING: set = set()  # threads that open an observed file at the moment


class Config:
    """An observed file that was opened: which content, and how far it is known to the program."""

    __slots__ = ("fresh", "loading", "numbers", "path", "whole")

    def __init__(self, path, seen):
        self.path = encode(path)
        self.numbers = numbers_of(seen)
        self.fresh = True
        self.loading = False
        self.whole = False

    def tell(self, key):
        try:
            on_keys((self.path, self.numbers, key.encode("utf-8")))
        except Exception as error:
            if foreign(error):
                raise

    def tell_all(self):
        """Tell that the program knows all of it."""
        if not self.whole:
            self.whole = True
            try:
                INODES.add(self.numbers[1])
                at = b"A\0%d\0read\0%b\0\0\0" % (time_ns(), self.path)
                emit(at + b"%d\0%d\0%d\0%d\0%d\0" % self.numbers + END)
            except Exception as error:
                if foreign(error):
                    raise


def without_ours(trace):
    """Take the frames of ours off the front of a traceback."""
    while trace is not None and ours(trace.tb_frame):
        trace = trace.tb_next
    return trace


# -- files ---------------------------------------------------------------------------------------


def knows_all(method):
    """Give a method of a file that tells that all of it is known."""

    def known(self, *args, **options):
        if not self._config.loading:
            self._config.tell_all()
        try:
            return method(self, *args, **options)
        except BaseException as error:
            error.__traceback__ = without_ours(error.__traceback__)
            raise

    known.__name__ = method.__name__
    return known


def reads(method):
    def read(self, *args, **options):
        try:
            found = method(self, *args, **options)
        except BaseException as error:
            error.__traceback__ = without_ours(error.__traceback__)
            raise
        config = self._config
        if not config.loading and (found or config.fresh):
            config.tell_all()
        return found

    read.__name__ = "read"
    return read


def telling(base, properties):
    """Make a class of files that tell when they are read."""
    methods = "readline readlines read1 readinto readinto1 peek seek tell detach fileno __next__"
    values = {"__slots__": ("_config",), "__module__": base.__module__, "read": reads(base.read)}
    for name in (*methods.split(), "__iter__"):
        if hasattr(base, name):
            values[name] = knows_all(getattr(base, name))
    if base is BUFFER:  # its name comes from the type
        values["__repr__"] = lambda self: "<_io." + BUFFER.__repr__(self)[1:]
    for name in properties:
        getter = getattr(base, name).__get__
        values[name] = property(knows_all(lambda self, getter=getter: getter(self)))
    return type(base.__name__, (base,), values)


ObservedText = telling(TEXT, ("buffer",))
ObservedBytes = telling(BUFFER, ("raw",))


class Open(Stand):
    """`open`, which gives files of the configs that are observed."""

    __slots__ = ()

    def __call__(self, /, *args, **options):
        try:
            full = observed_path(args, options)
            if full is None:
                return self.__wrapped__(*args, **options)
            return opened(self.__wrapped__, full, args, options)
        except BaseException as error:
            error.__traceback__ = without_ours(error.__traceback__)
            raise


Open.__module__ = "io"


def observed_path(args, options):
    """Give the observed file that is about to be opened to be read; None for anything else."""
    path = args[0] if args else options.get("file")
    if type(path) is not str:
        if not type(path).__module__.startswith("pathlib"):
            return None
        path = str(path)
    if not path.endswith(SUFFIXES) or (QUIET and _thread.get_ident() in QUIET):
        return None
    how = {**dict(zip(HOW, args, strict=False)), **options}
    if any(how.pop(name, value) != value for name, value in PLAINLY.items()):
        return None
    if how.get("mode", "r") not in MODES or not set(HOW).issuperset(how):
        return None
    full = os.path.normpath(absolute(path))
    return full if full in OBSERVED else None


def opened(plain, full, args, options):
    me = _thread.get_ident()
    how = {**dict(zip(HOW, args, strict=False)), **options}
    mode = how.get("mode", "r")
    more = {name: how.get(name) for name in ("encoding", "errors", "newline")}
    if not MODES[mode] and any(value is not None for value in more.values()):
        return plain(*args, **options)  # says what is wrong
    OPENING.add(me)
    try:
        inner = plain(how["file"], "rb")
    except OSError:
        harmlessly_noted(absent, full)
        raise
    finally:
        OPENING.discard(me)
    try:
        config = Config(full, posix.fstat(inner.fileno()))
        if MODES[mode]:
            file = ObservedText(inner, **more)
            file.mode = mode
            # Read in another way, two spellings of one value may be two values.
            if file.encoding.lower() not in UTF_8 or more["newline"] or more["errors"]:
                file._config = config
                config.tell_all()
        else:
            file = ObservedBytes(inner.detach())
    except BaseException:
        inner.close()
        raise
    file._config = config
    harmlessly_noted(note_there, full)
    return file


def harmlessly_noted(note, full):
    try:
        note(full)
    except Exception as error:
        if foreign(error):
            raise


def note_there(full):
    """Record that a file could be opened, should nothing of it be read."""
    if full not in FOUND:
        FOUND.add(full)
        log_access("exists", full)


def on_open_of_observed(args):
    if not (OPENING and _thread.get_ident() in OPENING):
        OPEN_BEFORE_OBSERVED(args)


# -- what is loaded --------------------------------------------------------------------------------


def loads(original, plainly):
    """Stand in for a function that loads a file; `plainly` tells an ordinary call."""

    def load(*args, **options):
        file = args[0] if args else None
        kind = type(file)
        ours = kind is ObservedText or kind is ObservedBytes
        try:
            if not (ours and file._config.fresh and plainly(args, options)):
                return original(*args, **options)
            return loaded(original, file._config, args, options)
        except BaseException as error:
            error.__traceback__ = without_ours(error.__traceback__)
            raise

    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(load, name, getattr(original, name))
    vars(load).update(vars(original), __wrapped__=original)
    return load


def loaded(original, config, args, options):
    config.loading = True
    try:
        document = original(*args, **options)
    except BaseException:
        config.tell_all()
        raise
    finally:
        config.loading = False
        config.fresh = False
    try:
        found = Making(config).observed(document, "")
        if type(found) is Observed and len_of(found):
            emit(fields(b"B", time_ns(), config.path, *config.numbers) + END)
            config.tell(".")
            return found
    except Exception as error:
        if foreign(error):
            raise
    config.tell_all()
    return document


class Making:
    """Makes dictionaries that tell, of a document that is no other object's."""

    def __init__(self, config):
        self.config = config
        self.seen = set()

    def observed(self, value, at):
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        if id(value) in self.seen or len(self.seen) > MOST_VALUES:
            raise ValueError("in two places, or too much")
        self.seen.add(id(value))
        if kind is list or not all(map(is_plain_key, value)):
            for item in value if kind is list else value.values():
                self.observed(item, at)
            return value
        found = Observed()
        found._config, found._at, found._told = self.config, at, set()
        for key, item in value.items():
            dict_put(found, key, self.observed(item, at + key + "."))
        return found


def is_plain_key(key):
    """Tell a key that is written as it is."""
    return type(key) is str and key.isascii() and key.replace("-", "_").isidentifier()


def has_order(value):
    if isinstance(value, dict):
        several = len_of(value) > 1
        return several or any(has_order(dict_get(value, key)) for key in keys_of(value))
    return isinstance(value, list) and any(map(has_order, value))


dict_put, dict_get, dict_has, len_of, keys_of = (
    dict.__setitem__,
    dict.__getitem__,
    dict.__contains__,
    dict.__len__,
    dict.__iter__,
)


def all_of(name):
    """Give a method of dictionaries, after which all of this one is known."""
    method = getattr(dict, name)

    def known(self, *args, **options):
        self._tell_all()
        return method(self, *args, **options)

    known.__name__ = name
    return known


def one_of(name):
    """Give a method of dictionaries that asks for one key."""
    method = getattr(dict, name)

    def known(self, key, *args):
        try:
            if key not in self._told:
                self._tell(key)
            return method(self, key, *args)
        except BaseException as error:
            error.__traceback__ = without_ours(error.__traceback__)
            raise

    known.__name__ = name
    return known


class Observed(dict):
    """A mapping of a config that tells which of its keys are read."""

    __slots__ = ("_at", "_config", "_told")

    def _tell(self, key):
        self._told.add(key)
        if type(key) is not str or not is_plain_key(key):
            self._tell_all()
            return
        value = dict_get(self, key) if dict_has(self, key) else None
        if type(value) is Observed and len_of(value) and value._config is self._config:
            self._config.tell(value._at)
            return
        self._config.tell(self._at + key)
        if not dict_has(self, key):
            self._config.tell(self._at or ".")
        elif has_order(value):
            self._config.tell("#order")

    def _tell_all(self):
        self._config.tell(self._at[:-1] or "#bytes")
        if has_order(self):
            self._config.tell("#order")

    def __getitem__(self, key):
        try:
            if key not in self._told:
                self._tell(key)
            return dict_get(self, key)
        except BaseException as error:
            error.__traceback__ = without_ours(error.__traceback__)
            raise

    __contains__ = one_of("__contains__")
    __delitem__ = one_of("__delitem__")
    get = one_of("get")
    pop = one_of("pop")
    setdefault = one_of("setdefault")
    for _name in (
        "__iter__ __reversed__ __len__ __eq__ __ne__ __repr__ __or__ __ror__ "
        "keys values items popitem clear"
    ).split():
        vars()[_name] = all_of(_name)
    del _name
    __hash__ = None

    def copy(self):
        self._tell_all()
        return {key: dict_get(self, key) for key in keys_of(self)}

    __copy__ = copy

    def __deepcopy__(self, memo):
        self._tell_all()
        deep = sys.modules["copy"].deepcopy
        memo[id(self)] = found = {}
        for key in keys_of(self):
            found[key] = deep(dict_get(self, key), memo)
        return found

    def __reduce_ex__(self, protocol):
        return dict, (), None, None, iter(self.copy().items())


Observed.__name__ = Observed.__qualname__ = "dict"
Observed.__module__ = "builtins"


# -- which loaders ---------------------------------------------------------------------------------


def plainly_by_json(args, options):
    return len(args) == 1 and not options


def plainly_by_toml(args, options):
    return len(args) == 1 and not options


def plainly_by_yaml(args, options):
    """Tell a call with a safe loader that nobody has taught anything."""
    yaml = sys.modules["yaml"]
    loader = args[1] if len(args) > 1 else options.get("Loader")
    if len(args) + len(options) != 2 or loader not in (
        yaml.SafeLoader,
        getattr(yaml, "CSafeLoader", None),
    ):
        return False
    return taught_of(yaml) == TAUGHT


def taught_of(yaml):
    """Give all that the safe loaders go by, as far as it can be added to."""
    found = []
    for loader in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        tables = (loader.yaml_constructors, loader.yaml_multi_constructors)
        found += [dict(table) for table in (*tables, loader.yaml_path_resolvers)]
        resolvers = loader.yaml_implicit_resolvers
        found.append({letter: list(several) for letter, several in resolvers.items()})
    return found


TAUGHT: list = []
CONFIG_LOADERS = {
    "json": ("load", plainly_by_json),
    "yaml": ("load", plainly_by_yaml),
    "tomllib": ("load", plainly_by_toml),
}


def attend_loader(module_name, module):
    """Put a stand-in for its loading function into a module."""
    try:
        name, plainly = CONFIG_LOADERS[module_name]
        values = vars(module)
        if type(values.get(name)) is not type(attend_loader):
            return
        if module_name == "yaml":
            TAUGHT.extend(taught_of(module))
            inner = module.representer
            for representer in (inner.SafeRepresenter, inner.Representer):
                representer.add_representer(Observed, inner.SafeRepresenter.represent_dict)
        values[name] = loads(values[name], plainly)
    except Exception as error:
        if foreign(error):
            raise


def on_import_of_loader(args):
    IMPORT_BEFORE_LOADER(args)
    if args[0] in LOADERS_AWAITED:
        LOADERS_AWAITED.discard(args[0])
        sys.meta_path.insert(0, Finder(args[0], attend_loader))


def observed_files():
    with open(HERE + "/observed", "rb") as file:
        return frozenset(os.fsdecode(file.read()).split("\0"))


LOADERS_AWAITED = set(CONFIG_LOADERS)
if sys.version_info >= (3, 11):
    have("finding.py")
    OBSERVED = observed_files()
    SUFFIXES = (".json", ".yaml", ".yml", ".toml")
    IMPORT_BEFORE_LOADER = HANDLERS["import"]
    HANDLERS["import"] = on_import_of_loader
    OPEN_BEFORE_OBSERVED = HANDLERS["open"]
    HANDLERS["open"] = on_open_of_observed
    for _module in list(LOADERS_AWAITED & set(sys.modules)):
        LOADERS_AWAITED.discard(_module)
        attend_loader(_module, sys.modules[_module])
    builtins.open = sys.modules["io"].open = Open(builtins.open)
