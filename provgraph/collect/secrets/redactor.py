"""Redact secrets before anything is hashed or written, each to a keyed fingerprint of its own.

`[redacted:<kind>:<8 hex>]` tells whether two runs had the same secret, and nothing about it to
those without the project key. Structured kinds are found by their shape; the rest by what
introduces them: a flag such as `--password`, a name such as `API_KEY=`, a URL's user-info.
What merely looks long and random (a git hash, a uuid, a dataset's id) is left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property

from provgraph.collect.secrets import naming
from provgraph.collect.secrets.structured import STRUCTURED
from provgraph.model.digests import keyed_digest

# Programs whose short options take a password: what follows it, or is glued to it.
_GLUED = dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mariadb", "sshpass"), "-p")
_FOLLOWING = {"sshpass": "-p", "ldapsearch": "-w", "ldapmodify": "-w"}
_USER_OPTIONS = ("-u", "--user", "-U", "--proxy-user")
_USER_PROGRAMS = ("curl", "wget", "http", "https", "twine")
_MARK = "[redacted"
_ROWS = tuple((kind, tuple(kind.marker.split("|"))) for kind in STRUCTURED)
_USER = re.compile(r"(?P<head>[^:/\s]{1,64}:)(?P<secret>[^:].*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a project adds: patterns of secrets, names of secrets, and names that are none.

    Names are globs without regard to case; one that is no secret's may have structured secrets
    as value all the same.
    """

    patterns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns or self.names or self.allow)


class Redactor:
    """Puts fingerprints in the place of secrets. `key` is the project key."""

    def __init__(self, key: bytes, rules: Rules | None = None) -> None:
        self.key = key
        self.rules = rules or Rules()

    def text(self, text: str) -> str:
        """Redact a text: every structured kind, and literals that a secret's name introduces."""
        if not text:
            return text
        for pattern in self._patterns:
            text = self._replace(pattern.sub, "own", text)
        lower = text.lower()
        for kind, markers in _ROWS:
            if any(marker in lower for marker in markers):
                text = self._replace(_compiled(kind.pattern).sub, kind.name, text, kind.proof)
        if any(word in lower for word in naming.WORDS):
            text = self._named(text)
        if self.rules.names:
            text = self._replace(self._own_names.sub, "value", text)
        if '"-' in text or "'-" in text:
            text = self._replace(naming.IN_LIST.sub, "value", text)
        return text

    def arguments(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Redact a command line, also what follows a flag such as `--password`."""
        done: list[str] = []
        program = os.path.basename(arguments[0]) if arguments else ""
        for position, argument in enumerate(arguments):
            before = arguments[position - 1] if position else ""
            if self._follows_flag(before, argument):
                done.append(self.fingerprint("value", argument))
            else:
                done.append(self._argument(program, before, argument))
        return tuple(done)

    def value(self, name: str, value: str) -> str:
        """Redact the value of a variable, parameter or config key by its name and its shape."""
        if value and self.is_secret_name(name) and not naming.is_harmless(name, value):
            return self.fingerprint("value", value)
        return self.text(value)

    def mapping(self, values: Mapping[str, str]) -> dict[str, str]:
        """Redact variables or parameters."""
        return {self.text(name): self.value(name, value) for name, value in values.items()}

    def url(self, url: str) -> str:
        """Take the user-info out of a URL (all of it: hosts take a token as the user's name)."""
        return self.text(naming.USER_INFO.sub(lambda match: match["head"], url))

    def data(self, data: bytes) -> bytes:
        """Redact content that is to be kept; bytes that are no text pass through unchanged."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def all(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Redact several texts."""
        return tuple(map(self.text, texts))

    def is_secret_name(self, name: str) -> bool:
        """Tell whether what is called so is a secret."""
        own = self._is_own(name)
        if own is not None:
            return own
        lower = name.lower()
        return any(word in lower for word in naming.WORDS) and bool(naming.WHOLE_NAME.match(name))

    def fingerprint(self, kind: str, secret: str) -> str:
        """Stand in for a secret: equal secrets of one project have equal fingerprints."""
        return fingerprint(kind, secret, self.key)

    # -- the parts ---------------------------------------------------------------------------

    def _argument(self, program: str, before: str, argument: str) -> str:
        """Redact one argument by itself: the whole value where a name says that it is a secret."""
        if before and before == _FOLLOWING.get(program):
            return self.fingerprint("value", argument)
        option = _GLUED.get(program)
        if option is not None and argument.startswith(option) and len(argument) > len(option):
            return option + self.fingerprint("value", argument[len(option) :])
        users = before in _USER_OPTIONS and program in _USER_PROGRAMS
        if users and (user := _USER.match(argument)):
            return user["head"] + self.fingerprint("value", user["secret"])
        head, sign, secret = argument.partition("=")
        name = head.lstrip("-+")
        if sign and secret and self.is_secret_name(name) and not naming.is_harmless(name, secret):
            return f"{head}={self.fingerprint('value', secret)}"
        return self.text(argument)

    def _follows_flag(self, before: str, argument: str) -> bool:
        flag = before.lstrip("-")
        return (
            before.startswith("-")
            and len(before) - len(flag) <= 2
            and bool(argument)
            and not argument.startswith("-")
            and self.is_secret_name(flag)
            and not naming.is_harmless(flag, argument)
        )

    def _named(self, text: str) -> str:
        if "=" in text or ":" in text:
            text = self._replace(naming.ASSIGNED.sub, "value", text)
        if "=" in text and ("?" in text or "&" in text):
            text = self._replace(naming.IN_QUERY.sub, "value", text)
        if "-" in text:
            text = self._replace(naming.FLAGGED.sub, "value", text)
        if "</" in text:
            text = self._replace(naming.IN_MARKUP.sub, "value", text)
        return text

    def _replace(
        self,
        substitute: Callable[[Callable[[re.Match[str]], str], str], str],
        kind: str,
        text: str,
        proof: Callable[[str], bool] | None = None,
    ) -> str:
        def stand_in(match: re.Match[str]) -> str:
            group = _group_of(match)
            secret = match[group]
            if _MARK in secret or (proof is not None and not proof(secret)):
                return match[0]
            if kind == "connection-string" and naming.is_harmless("", secret):
                return match[0]
            if kind == "value" and not self._is_value(match, group, secret):
                return match[0]
            start, end = match.start(group) - match.start(), match.end(group) - match.start()
            return match[0][:start] + self.fingerprint(kind, secret) + match[0][end:]

        return substitute(stand_in, text)

    def _is_value(self, match: re.Match[str], group: str | int, secret: str) -> bool:
        """Tell whether what stands behind a name is a secret, and no code."""
        name = match["name"]
        if naming.is_harmless(name, secret) or self._is_own(name) is False:
            return False
        if group == "listed":
            return self.is_secret_name(name) and not naming.is_plain_word(secret)
        if group == "bare":
            listed = match.string[match.end() : match.end() + 1] == ","
            return not naming.is_code(match["sign"], secret, listed=listed)
        if group not in ("double", "single"):
            return True
        # In `"password: " + x` the quote ends a text, and what follows is code.
        ends = match["opened"] and not match["closed"] if "opened" in match.re.groupindex else False
        return not ends and not secret[0].isspace() and not naming.is_short(name, secret)

    # -- the project's own -------------------------------------------------------------------

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern) for pattern in self.rules.patterns]

    @cached_property
    def _own_names(self) -> re.Pattern[str]:
        """Find assignments to names of the project's own in text."""
        globs = "|".join(
            re.escape(one).replace(r"\*", "[A-Za-z0-9_-]*") for one in self.rules.names
        )
        return re.compile(
            rf"""(?<![A-Za-z0-9_.-])["']?(?P<name>{globs})["']?(?P<sign>\s{{0,8}}[=:]\s{{0,8}})
            (?:"(?P<double>[^"\n]+)"|'(?P<single>[^'\n]+)'|(?P<secret>[^\s"',;&]+))""",
            re.IGNORECASE | re.VERBOSE,
        )

    def _is_own(self, name: str) -> bool | None:
        """Tell what the project says of a name; None where it says nothing.

        Of a key inside another one (`db.pin`) the last word counts as well.
        """
        if not self.rules.names and not self.rules.allow:
            return None
        lower = name.lower()
        forms = {lower, lower.rpartition(".")[2]}
        for globs, secret in ((self.rules.allow, False), (self.rules.names, True)):
            if any(fnmatchcase(form, glob.lower()) for form in forms for glob in globs):
                return secret
        return None


def fingerprint(kind: str, secret: str, key: bytes) -> str:
    """Stand in for a secret: equal secrets of one project have equal fingerprints."""
    digest = keyed_digest(key, b"secret\0" + secret.encode("utf-8", "surrogatepass"))
    return f"[redacted:{kind}:{digest.rpartition(':')[2][:8]}]"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a row's pattern when its marker is first met: few are, and all take 10 ms."""
    return re.compile(pattern, re.DOTALL)


def _group_of(match: re.Match[str]) -> str | int:
    named = match.groupdict()
    for group in ("secret", "double", "single", "bare", "listed"):
        if named.get(group) is not None:
            return group
    return 0
