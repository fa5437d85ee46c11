"""Tell which options the project's programs parsed: executed by `watch.py` once a parser is there.

A parser's method gets a stand-in when its module has been executed; what the method gives is told
by name and value, defaults too. Told are options that code of the project asked for, not those of
the tools and libraries that it uses.
"""

# ruff: noqa: F821, SLF001 - executed in the namespace of watch.py
# mypy: ignore-errors

MOST_TEXT = 100_000  # characters of a value; of a longer one its type and length are told
# Parts of the standard library whose values say all of themselves as a text.
PLAINLY_TEXT = frozenset("datetime decimal fractions uuid ipaddress pathlib pathlib._local".split())
NAMED_FILES = frozenset(
    "_io click.utils click._compat typer._click.utils typer._click._compat".split()
)
# What JSON escapes in a text.
ESCAPED = {c: f"\\u{c:04x}" for c in range(32)}
ESCAPED |= {ord(c): "\\" + e for c, e in zip('"\\\n\r\t\b\f', '"\\nrtbf', strict=True)}
OPTIONS: set = set()  # told so far
PLACES: dict = {}  # where files of code really lie
BEGAN_IN = getcwd_or_empty() + "/"


# -- who parses ----------------------------------------------------------------------------------


def is_own_code(code, module):
    """Tell code of the project, or of the program itself, from what is installed."""
    file = code.co_filename
    if file[:1] == "<":
        return module == "__main__" and not file.startswith("<frozen")
    full = PLACES.get(file)
    if full is None:
        full = PLACES[file] = os.path.realpath(BEGAN_IN + file if file[:1] != "/" else file)
    if "/site-packages/" in full or "/dist-packages/" in full:
        return False
    return (full.startswith(ROOT) or module == "__main__") and watched(full)


def is_own_call(frame, parser):
    """Tell whether the project's code asked a parser: itself, or through methods of the parser."""
    inner = {one.__module__ for one in type(parser).__mro__}
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if is_own_code(frame.f_code, module):
            return True
        if module not in inner and not ours(frame):
            return False
        frame = frame.f_back
    return False


def is_own_command(command, frame):
    """Tell whether what a command does is the project's code; without any, who calls it."""
    function = command.callback
    for _ in range(32):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if inner is None:
            break
        function = inner
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return is_own_call(frame, command)
    return is_own_code(code, getattr(function, "__module__", None))


# -- how a value is written ----------------------------------------------------------------------


class NoText(Exception):
    """A value that has no text, or too long a one."""


class Writer:
    """Writes one value; `last` is the last text in it, `room` what it may still take."""

    def __init__(self):
        self.room = MOST_TEXT
        self.last = ""

    def quoted(self, text):
        self.take(len(text))
        self.last = text
        return f'"{text.translate(ESCAPED)}"'

    def take(self, size):
        self.room -= size
        if self.room < 0:
            raise NoText

    def written(self, value):
        self.take(1)
        kind = type(value)
        if value is None:
            return "null"
        if kind is bool:
            return "true" if value else "false"
        if is_member(value):
            return self.written(value.__dict__["_value_"])
        if isinstance(value, str):
            return self.quoted(str.__str__(value))
        if isinstance(value, int):
            return number_text(int.__repr__, value)
        if isinstance(value, float):
            found = float.__repr__(value)
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(found, found)
        return self.several(value, kind)

    def several(self, value, kind):
        if kind in (list, tuple):
            return f"[{', '.join([self.written(item) for item in value])}]"
        if kind in (set, frozenset):
            return f"[{', '.join(sorted([self.written(item) for item in value]))}]"
        if kind is dict:
            pairs = [(self.key(key), self.written(item)) for key, item in value.items()]
            return f"{{{', '.join([f'{key}: {item}' for key, item in sorted(pairs)])}}}"
        return self.quoted(odd_text(value, kind))

    def key(self, key):
        found = self.written(key)
        return found if found[0] == '"' else self.quoted(found)


def value_text(value):
    """Write a value as `provgraph.run` does: text as it is, all else as JSON."""
    writer = Writer()
    kind = type(value)
    try:
        if isinstance(value, str) and not is_member(value):
            return str.__str__(value)
        found = writer.written(value)
    except (NoText, RecursionError):
        size = f" of {len(value)}" if kind in (list, tuple, set, dict, bytes) else ""
        return f"<{kind_text(kind)}{size}>"
    return writer.last if found[0] == '"' else found


def is_member(value):
    """Tell a member of an enumeration."""
    return hasattr(type(value), "_member_map_") and "_value_" in getattr(value, "__dict__", ())


def number_text(write, value):
    try:
        return write(value)
    except ValueError:  # more digits than Python writes out
        raise NoText from None


def odd_text(value, kind):
    """Write what JSON doesn't know, without running code of the program's own."""
    module = kind.__module__
    if module in PLAINLY_TEXT:
        return str(value)
    if module == "numpy":
        item = value.item() if getattr(value, "shape", None) == () else None
        return value_text(item) if type(item) in (bool, int, float, str) else no_text()
    if module in NAMED_FILES:
        name = getattr(value, "name", None)
        return name if type(name) is str else no_text()
    if kind in (complex, range, slice) or (kind is bytes and len(value) < MOST_TEXT):
        return repr(value)
    if kind in (type(odd_text), type(len)) or isinstance(value, type):
        return kind_text(value)
    return f"<{kind_text(kind)}>"


def no_text():
    raise NoText


def kind_text(kind):
    """Name a type or a function."""
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", "?")
    return name if module in ("builtins", "__main__", None) else f"{module}.{name}"


# -- telling -------------------------------------------------------------------------------------


def tell_options(pairs):
    """Record names and values that weren't told so far."""
    for name, value in pairs:
        if not isinstance(name, str):
            continue
        pair = as_told(name), as_told(value_text(value))
        if pair not in OPTIONS:
            OPTIONS.add(pair)
            emit(fields(b"V", time_ns()) + items([told(b"", pair[0]), told(*pair)]) + END)


def as_told(words):
    return words.replace("\0", "\ufffd").encode("utf-8", "replace")


def tell_parsed(parser, given, found, frame):
    """Tell what `argparse` parsed: all of the namespace that it made, else what is the parser's."""
    code = frame.f_code
    inside = frame.f_globals.get("__name__") == "argparse"
    if inside and code.co_name in ("__call__", "parse_known_intermixed_args"):
        return  # a part of a call that tells it all
    if not is_own_call(frame, parser):
        return
    values = vars(found[0])
    if given is not None:
        names = names_of_options(parser, {})
        values = {name: value for name, value in values.items() if name in names}
    tell_options(list(values.items()))


def names_of_options(parser, seen):
    """Give the names that a parser and those below it may set."""
    if id(parser) in seen:
        return set()
    seen[id(parser)] = parser
    names = set(parser._defaults)
    for action in parser._actions:
        names.add(action.dest)
        if "_name_parser_map" in vars(action):
            for below in action._name_parser_map.values():
                names |= names_of_options(below, seen)
    return names


def tell_context(command, context, frame):
    """Tell what click, or typer, parsed for one command."""
    if context.resilient_parsing or not is_own_command(command, frame):
        return
    # What is typed without being shown isn't to be shown.
    hidden = {one.name for one in command.params if getattr(one, "hide_input", False)}
    tell_options([pair for pair in context.params.items() if pair[0] not in hidden])


def harmlessly(tell, *told_of):
    if QUIET and _thread.get_ident() in QUIET:
        return
    try:
        tell(*told_of)
    except Exception as error:
        if foreign(error):
            raise


# -- standing in ---------------------------------------------------------------------------------

# Stand-ins have the very parameters of what they stand in for, for who looks at them. An exception
# goes on without a frame of ours: see `Stand`.


def in_parser(original):
    def parse_known_args(self, args=None, namespace=None):
        try:
            found = original(self, args, namespace)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next
            raise
        harmlessly(tell_parsed, self, namespace, found, sys._getframe(1))
        return found

    return parse_known_args


def in_command(original):
    def make_context(self, info_name, args, parent=None, **extra):
        try:
            found = original(self, info_name, args, parent, **extra)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next
            raise
        harmlessly(tell_context, self, found, sys._getframe(1))
        return found

    return make_context


# module → class, its methods, and what stands in for them
PARSERS = {
    "argparse": ("ArgumentParser", ("parse_known_args", "parse_known_intermixed_args"), in_parser),
    "click.core": ("BaseCommand Command", ("make_context",), in_command),
    "typer._click.core": ("Command", ("make_context",), in_command),
}


def attend_parser(module_name, module):
    """Put stand-ins into a module of parsers; nothing where it isn't as known."""
    try:
        classes, methods, standing_in = PARSERS[module_name]
        for name in classes.split():
            owner = vars(module).get(name)
            for method in methods if isinstance(owner, type) else ():
                original = vars(owner).get(method)
                if type(original) is type(attend_parser):
                    stand_in_for(owner, original, standing_in(original))
    except Exception as error:
        if foreign(error):
            raise


def stand_in_for(owner, original, stand_in):
    mine, theirs = stand_in.__code__, original.__code__
    many = mine.co_argcount
    alike = (mine.co_argcount, mine.co_kwonlyargcount, mine.co_flags & 12) == (
        theirs.co_argcount,
        theirs.co_kwonlyargcount,
        theirs.co_flags & 12,
    )
    if not alike or mine.co_varnames[:many] != theirs.co_varnames[:many]:
        return
    if stand_in.__defaults__ != original.__defaults__:
        return
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(stand_in, name, getattr(original, name))
    vars(stand_in).update(vars(original), __wrapped__=original)
    setattr(owner, original.__name__, stand_in)
