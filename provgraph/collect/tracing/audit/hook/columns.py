"""Tell which columns of a Parquet file are read: executed by `watch.py` once pyarrow or polars is.

The functions that load a table get stand-ins when their module has been executed. A call that names
its columns, and surely reads nothing else, is told with what came out of it: from when to when, by
which thread, of which file. Whether each opening of that file is the call's, is judged later, by
what the native library saw; so is everything that is not told. In any doubt nothing is told, and
the file counts as a whole.
"""

# ruff: noqa: F821, SLF001 - executed in the namespace of watch.py
# mypy: ignore-errors

# Arguments that change how a table is loaded, not what of it; any other has to be None.
ARROW_HOW = frozenset(
    "columns use_threads memory_map buffer_size use_pandas_metadata pre_buffer partitioning"
    " ignore_prefixes page_checksum_verification".split()
)
POLARS_HOW = frozenset("columns parallel use_statistics low_memory rechunk glob cache".split())
PANDAS = "/pandas/io/parquet.py"
# What makes more of a path than a file's name, or of a column's than a column.
NO_PLAIN_PATH = frozenset("*?[]{}~$")
NO_PLAIN_NAME = frozenset(".*^$\0")


def plain_path(source):
    """Give a path that names one file of this machine; None for anything else."""
    if type(source).__name__ == "PosixPath" and type(source).__module__.startswith("pathlib"):
        source = str(source)
    if type(source) is not str or not source or "://" in source or "\0" in source:
        return None
    return None if NO_PLAIN_PATH.intersection(source) else source


def plain_names(columns):
    """Give the names of columns that a list surely means; None for anything else."""
    if type(columns) is not list or not columns:
        return None
    names = tuple(columns)
    for name in names:
        if type(name) is not str or not name or NO_PLAIN_NAME.intersection(name):
            return None
    return names


def plainly_asked(args, options, how):
    """Give the path and the columns that a loader was asked for, where those are plain."""
    if len(args) > 1 or "columns" not in options:
        return None
    if any(options[name] is not None for name in options if name not in how and name != "source"):
        return None
    path = plain_path(args[0] if args else options.get("source"))
    names = plain_names(options["columns"])
    return None if path is None or names is None else (path, names)


def asked_of_arrow(args, options):
    plain = plainly_asked(args, options, ARROW_HOW)
    caller = sys._getframe(3)  # who called the stand-in
    code = caller.f_code
    by_pandas = code.co_name == "read" and code.co_filename.endswith(PANDAS)
    if plain is None and by_pandas:
        return asked_by_pandas(args, options, caller)
    if plain is None:
        return None
    return ("pandas" if by_pandas else "arrow", *plain, time_ns())


def asked_by_pandas(args, options, caller):
    """Tell what pandas before 3.1 asks for: it opens the file itself, for Arrow to read."""
    frame, path, identity, since = HANDLES.pop(_thread.get_ident(), (None,) * 4)
    file = args[0] if args else None
    if frame != id(caller) or type(file).__name__ != "BufferedReader":
        return None
    seen = posix.fstat(file.fileno())
    plain = plainly_asked((path,), options, ARROW_HOW)
    if plain is None or (seen.st_dev, seen.st_ino) != identity:
        return None
    return ("pandas by itself", *plain, since)


def asked_of_polars(args, options):
    # Its own threads open the file; so no other of Python's may be about to do so.
    options = {name: value for name, value in options.items() if value is not False}
    plain = plainly_asked(args, options, POLARS_HOW) if len(sys._current_frames()) == 1 else None
    return None if plain is None else ("polars", *plain, time_ns())


def got_from_arrow(table):
    return tuple(table.column_names) if type(table).__name__ == "Table" else ()


def got_from_polars(frame):
    alone = len(sys._current_frames()) == 1
    alone = len(sys._current_frames()) == 1
    return tuple(frame.columns) if type(frame).__name__ == "DataFrame" and alone else ()


# module → function, and how to tell what is asked of it and what came out
LOADERS = {
    "pyarrow.parquet.core": ("read_table", asked_of_arrow, got_from_arrow),
    "polars.io.parquet.functions": ("read_parquet", asked_of_polars, got_from_polars),
}


def begin_counting(asks, args, options):
    """Note a call that is about to load; None where it can't be followed. Raises nothing."""
    if QUIET and _thread.get_ident() in QUIET:
        return None
    try:
        found = asks(args, options)
        if found is None:
            return None
        reader, path, names, since = found
        full = absolute(path)
        seen = stat(path)
        if seen.st_mode & FORMAT != REGULAR or not watched(full):
            return None
        posix.access(HERE + "/counting", 0)  # the native library logs every opening from here on
        return reader, full, names, seen, _thread.get_native_id(), since
    except Exception as error:
        if foreign(error):
            raise
        return None


def end_counting(call, gets, result):
    """Tell of a call that has loaded what was asked for; `gets` is None where it failed."""
    if call is None:
        return
    try:
        until = time_ns()
        posix.access(HERE + "/counted", 0)
        reader, full, names, seen, thread, since = call
        got = gets(result) if gets is not None else ()
        # An index of pandas comes with the columns asked for, and counts as they do.
        if got[: len(names)] != names or len(set(got)) != len(got):
            return
        now = stat(full)
        if numbers_of(now) != numbers_of(seen):
            return
        INODES.add(now.st_ino)
        told = fields(b"C", until, reader, since, thread, full, *numbers_of(seen))
        emit(told + items(got) + END)
    except UnicodeError:
        return  # a name that is no text
    except Exception as error:
        if foreign(error):
            raise


def standing_in_for(original, asks, gets):
    """Give a function that does what `original` does, and tells of it."""

    def load(*args, **options):
        call = begin_counting(asks, args, options)
        try:
            found = original(*args, **options)
        except BaseException as error:
            end_counting(call, None, None)
            error.__traceback__ = error.__traceback__.tb_next
            raise
        end_counting(call, gets, found)
        return found

    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(load, name, getattr(original, name))
    vars(load).update(vars(original), __wrapped__=original)
    return load


def stand_in(name, module):
    try:
        function, asks, gets = LOADERS[name]
        values = vars(module)
        original = values.get(function)
        if type(original) is type(stand_in):
            values[function] = standing_in_for(original, asks, gets)
    except Exception as error:
        if foreign(error):
            raise


def on_open_of_columns(args):
    """Note a file that pandas opens to have Arrow load it; any other is opened as ever."""
    noted = False
    try:
        frame = caller()
        noted = frame.f_code.co_name == "get_handle" and opened_by_pandas(frame.f_back, *args)
    except Exception as error:
        if foreign(error):
            raise
    if not noted:
        OPEN_BEFORE_COLUMNS(args)


def opened_by_pandas(frame, path, _mode, flags):
    reads = frame.f_back if frame is not None else None
    if reads is None or frame.f_code.co_name != "_get_path_or_handle" or flags & CHANGING:
        return False
    code = reads.f_code
    if code.co_name != "read" or not code.co_filename.endswith(PANDAS) or type(path) is not str:
        return False
    full = absolute(path)
    seen = stat(path)
    if seen.st_mode & FORMAT != REGULAR or not watched(full):
        return False
    me, since = _thread.get_native_id(), time_ns()
    HANDLES[_thread.get_ident()] = id(reads), path, (seen.st_dev, seen.st_ino), since
    INODES.add(seen.st_ino)
    emit(fields(b"O", since, me, full, *numbers_of(seen)) + END)
    return True


def on_import_of_columns(args):
    IMPORT_BEFORE_COLUMNS(args)
    if args[0] in AWAITED:
        AWAITED.discard(args[0])  # it is told of again where its package imports it first
        sys.meta_path.insert(0, Finder(args[0], stand_in))


AWAITED = set(LOADERS)
have("finding.py")

HANDLES = {}  # by thread: what pandas last opened, and the frame that it did so for
IMPORT_BEFORE_COLUMNS = HANDLERS["import"]
HANDLERS["import"] = on_import_of_columns
OPEN_BEFORE_COLUMNS = HANDLERS["open"]
HANDLERS["open"] = on_open_of_columns
