"""Times as people give them to `--since` and `--until`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from provgraph.errors import UsageError

_AGO = re.compile(r"(\d{1,6})\s*(s|m|min|h|d|w)(?:\s+ago)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, *, now: datetime, end: bool = False) -> str:
    """Give a time as RFC 3339 in UTC; without a zone it is local, as `now` is.

    A date alone means its start, or with `end` its end. Raises UsageError.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            when = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            when = datetime.fromisoformat(text.strip())
            if end and len(text.strip()) <= len("2026-11-01"):
                when += timedelta(days=1)
            if when.tzinfo is None:
                when = when.astimezone()
        return when.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", hint="for example 2026-11-01, 2026-11-01T09:30, 3d, 12h, 30m"
        ) from None


def past_moment(text: str, *, now: datetime) -> str:
    """Give a date or time as RFC 3339 in UTC, its end where it is a day; leave all else as it is.

    What is no date names a run or a commit.
    """
    return moment(text, now=now, end=True) if _DATE.match(text.strip()) else text
