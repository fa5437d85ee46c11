"""Tell whom this process talks to over the network: executed by `watch.py` once sockets are used.

Where the native library watches, it sees as much by itself, and this isn't executed. An attempt
counts as a talk: whether it succeeds isn't known beforehand.
"""

# ruff: noqa: F821 - executed in the namespace of watch.py
# mypy: ignore-errors

CONTACTS = set()
LOOKUPS = set()


def on_contact(args):
    """Record an attempt to connect, or to send to an address."""
    address = args[1]
    if type(address) is not tuple or len(address) < 2 or address[:2] in CONTACTS:
        return
    sockets = sys.modules["_socket"]
    family = sockets.socket.family.__get__(args[0])
    host, port = address[:2]
    if family in (sockets.AF_INET, getattr(sockets, "AF_INET6", -1)) and type(port) is int:
        CONTACTS.add(address[:2])
        emit(b"W\0" + items([host, str(port)]) + END)


class Lookup(Stand):
    """`getaddrinfo`, with the addresses recorded that a name led to."""

    __slots__ = ()

    def __call__(self, /, *args, **options):
        try:
            found = self.__wrapped__(*args, **options)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next
            raise
        looked_up(args, options, found)
        return found


Lookup.__module__ = "_socket"  # where pickle finds it


def looked_up(args, options, found):
    """Record what a name led to; raises nothing of its own."""
    if QUIET and _thread.get_ident() in QUIET:
        return
    try:
        name = args[0] if args else options.get("host")
        if type(name) not in (str, bytes):
            return
        told = (name, *sorted({one[4][0] for one in found if type(one[4][0]) is str}))
        if told not in LOOKUPS:
            LOOKUPS.add(told)
            emit(b"H\0" + items(told) + END)
    except Exception as error:
        if foreign(error):
            raise


def watch_sockets():
    """Stand at `_socket`'s door before anything goes through it: it is loaded a moment early."""
    me = _thread.get_ident()
    aside = me in QUIET
    QUIET.add(me)
    try:
        import _socket
    except ImportError:
        return  # as whoever wanted it is about to be told
    finally:
        if not aside:
            QUIET.discard(me)
    for event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        HANDLERS[event] = on_contact
    if "WITHIN" not in globals():  # else it is put there, and taken away, by `within.py`
        _socket.getaddrinfo = Lookup(_socket.getaddrinfo)


watch_sockets()
