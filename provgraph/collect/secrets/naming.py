"""How a value is known for a secret by its name, and which values are none all the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property


class Late:
    """A pattern that is compiled when it is first asked: most runs ask two of these."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._source = (pattern, flags)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(*self._source)

    def match(self, text: str) -> re.Match[str] | None:
        """Match at the start of a text."""
        return self._pattern.match(text)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first match."""
        return self._pattern.search(text)

    def sub(self, stand_in: Callable[[re.Match[str]], str], text: str) -> str:
        """Replace every match."""
        return self._pattern.sub(stand_in, text)


# What a flag, a variable or a key is called when its value is a secret. Whole words of the name,
# so that `num_tokens`, `tokenizer`, `keypoints` and `primary_key` aren't taken for one. What
# nothing else ends in may stand behind other letters: `PGPASSWORD`, `dbPassword`.
NAME = (
    r"(?:[A-Za-z0-9_.-]*(?:password|passwd|passphrase|apikey)"
    r"|(?:[A-Za-z0-9_.-]*[_.-])?(?:"
    r"passcode|pwd|secret|credentials?|sshpass|"
    r"(?:db|user|smtp|imap|mail|mysql|postgres|pg|redis|mongo|sql|ftp|ssh|http|proxy|ldap|login|"
    r"root|admin)[_-]?pass|"
    r"(?:api|access|auth|account|private|secret|signing|encryption|master|storage|service|"
    r"deploy|license|subscription|client|signature|cipher|hmac|jwt)[_-]?key|client-key-data|"
    r"(?:secret|access)[_-]?key[_-]?id|(?:client|app|shared)[_-]?secret|"
    r"(?:access|auth|api|bearer|refresh|session|id|oauth|personal|security|hf|hub|github|gh|"
    r"gitlab|slack|bot|user|push|pull|registry|pypi|npm|ci|job|csrf|webhook)[_-]?token|token|"
    r"cookie|connection[_-]?string|dsn|sas[_-]?(?:token|url|uri)|authorization"
    r"))(?:[_-](?:value|text|string|base64|b64))?"
)
# Names that end like those and mean a piece of text: words of models and parsers.
_TEXT_TOKENS = Late(
    r"(?:.*[_.-])?(?:pad|padding|eos|bos|sos|eot|sot|eod|eom|unk|unknown|oov|mask|cls|sep|separator"
    r"|start|end|stop|special|additional|next|previous|prev|current|first|last|begin|final|image"
    r"|audio|video|text|word|newline|blank|delimiter|fill|filler|prefix|suffix|middle|decoder"
    r"|bos_or_eos|mention|emoji|digit|number|punct|per|input|output|new|extra|boundary)"
    r"[_-]?token\Z",
    re.IGNORECASE,
)
FLAG = Late(rf"-{{1,2}}(?P<name>{NAME})\Z", re.IGNORECASE)
WHOLE_NAME = Late(rf"{NAME}\Z", re.IGNORECASE)
ASSIGNED_ARGUMENT = Late(
    rf"(?P<head>(?:-{{1,2}}|\+{{1,2}})?(?P<name>{NAME})=)(?P<secret>.+)\Z",
    re.IGNORECASE | re.DOTALL,
)
# In free text and source: a quoted literal, or an unquoted one in KEY=… of a shell or a .env.
ASSIGNED = Late(
    rf"""(?<![A-Za-z0-9_.-])(?P<opened>\\?["'])?(?P<name>{NAME})(?P<closed>\\?["'])?
    (?P<sign>\s{{0,8}}(?:=>|=|:)\s{{0,8}})(?:[bru]{{1,2}}(?=["']))?
    (?:\\?"(?P<double>[^"\n\\]{{3,}})|\\?'(?P<single>[^'\n\\]{{3,}})
    |(?P<bare>[^\s"'`,;(){{}}\[\]$<>\\]{{8,1000}}+)(?=\s{{0,8}}(?:\Z|[\n,;&|}}\#]|--|\s-)))""",
    re.IGNORECASE | re.VERBOSE,
)
FLAGGED = Late(
    rf"(?<!\S)-{{1,2}}(?P<name>{NAME})(?:=|\s{{1,8}})(?P<secret>[^\s\"'=-][^\s\"']*)",
    re.IGNORECASE,
)
# A command line as a list in source: "--password", "…".
IN_LIST = Late(
    r"[\"']-{1,2}(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,80})[\"']\s{0,8},\s{0,40}"
    r"[\"'](?P<listed>[^\"'\s-][^\"'\s]{2,200}+)[\"']"
)
IN_MARKUP = Late(rf"<(?P<name>{NAME})>(?P<secret>[^<\n]{{4,}})</", re.IGNORECASE)
IN_QUERY = Late(rf"[?&](?P<name>{NAME})=(?P<secret>[^&\s\"'#<>]{{4,}})", re.IGNORECASE)
USER_INFO = Late(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://)(?P<secret>[^\s/?#]*)@")
# In every secret's name is one of these words.
WORDS = "pass pwd secret credential key token cookie dsn sas authorization connection".split()
# Values under a secret's name that are none: a place to find it, a switch, a number, a name.
_HARMLESS = Late(
    r"\$\{?\w+\}?|%\w+%|\{\{.*\}\}|<.*>|\[[A-Za-z_]+\]\Z|\[redacted:.*|(?:true|false|none|null|nil|"
    r"yes|no|on|off|env|prompt|auto|default|required|optional|str|bytes|int|bool|string|undefined|"
    r"callable|iterable|sequence|changeme)\Z|-?\d{1,7}(?:\.\d+)?\Z|[*x.#-]+\Z"
    r"|(?:os\.|self\.|args\.|cfg\.|config\.|settings\.|getpass\.|environ|secrets\.|st\.|process\.)"
    r"[\w.]*|https?://[^\s@?]*\Z"
    r"|[\w./~-]+\.(?:json|ya?ml|toml|txt|pem|key|crt|env|cfg|ini|csv|parquet|model|py)\Z",
    re.IGNORECASE,
)
_PLACE = Late(r"[~.]?/|\.{1,2}\Z")
_IDENTIFIER = Late(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")
_TYPE = Late(r"(?:[A-Za-z_]\w*\.)+\w+\Z|[A-Z][a-z]+[A-Z]\w*\Z|[a-z]+(?:_[a-z]+)+\Z")


def is_short(name: str, value: str) -> bool:
    """Tell a quoted word that is too short to be taken for a secret by the sound of its name."""
    return len(value) < 6 and "pass" not in name.lower()


def is_harmless(name: str, value: str) -> bool:
    """Tell whether a value isn't secret although its name says so."""
    if _HARMLESS.match(value) or _TEXT_TOKENS.match(name):
        return True
    return name.lower() in ("pwd", "oldpwd") and _PLACE.match(value) is not None


def _looks_random(value: str) -> bool:
    """Tell a word that nobody would give to a variable: digits among small and capital letters."""
    digits = sum(letter.isdecimal() for letter in value)
    mixed = value.lower() != value != value.upper()
    return mixed and (digits > 1 or (digits == 1 and len(value) >= 16))


def is_plain_word(value: str) -> bool:
    """Tell a word that may be a name as well: `click.option("--password", "password")`."""
    return _IDENTIFIER.match(value) is not None and not any(map(str.isdecimal, value))


def is_code(sign: str, value: str, *, listed: bool) -> bool:
    """Tell an unquoted value that is code (a name, a type) from a literal.

    `sign` is what stands between name and value, with spaces; `listed`: a comma follows. Only
    `NAME=value` to the end of a line, as a shell has it, takes what looks like a name for a value.
    """
    if not _IDENTIFIER.match(value) or _looks_random(value):
        return False
    if sign.strip() == ":":
        return listed or _TYPE.match(value) is not None
    return listed or sign != "="
