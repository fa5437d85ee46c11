"""Redact secrets before anything is hashed or written, each to a keyed fingerprint of its own.

`[redacted:<kind>:<8 hex>]` tells whether two runs had the same secret, and nothing about it to
those without the project key. Structured kinds are found by their shape (the table); the rest by
what introduces them: a flag such as `--password`, a name such as `API_KEY=`, a URL's user-info.
What merely looks long and random (a git hash, a uuid, a dataset's id) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import NamedTuple

from provgraph.model.digests import keyed_digest


class Kind(NamedTuple):
    """One structured kind: the named group `secret`, or the whole match, is what goes."""

    name: str
    pattern: str
    marker: str  # a text without which the pattern can't match, in lower case ("" where none)


_PRIVATE_KEY = (
    r"-----BEGIN (?P<label>[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----"
    r"(?P<secret>.*?)(?:-----END (?P=label)-----|\Z)"
)
_START = r"(?<![A-Za-z0-9_-])"
_END = r"(?![A-Za-z0-9_-])"


def _token(name: str, body: str, marker: str) -> Kind:
    return Kind(name, _START + body + _END, marker)


# Order counts: what stands first wins where two fit. A marker makes most rows cost one `in`.
STRUCTURED: tuple[Kind, ...] = (
    Kind("private-key", _PRIVATE_KEY, "private key"),
    Kind(
        "putty-key",
        r"(?s)Private-Lines: \d+\r?\n(?P<secret>.*?)(?=\r?\nPrivate-MAC|\Z)",
        "private-l",
    ),
    Kind("age-key", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", "age-secret-key-"),
    _token("jwt", r"ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", "ey"),
    _token("aws-key-id", r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z2-7]{16}", "a"),
    Kind(
        "aws-secret",
        r"(?i)aws.{0,20}?(?:secret|sk).{0,20}?[=:\s\"']+(?P<secret>[A-Za-z0-9/+]{40})"
        r"(?![A-Za-z0-9/+])",
        "aws",
    ),
    _token("google-api-key", r"AIza[A-Za-z0-9_-]{35}", "aiza"),
    _token("google-oauth", r"(?:ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})", ""),
    Kind("azure-account-key", r"(?i)AccountKey=(?P<secret>[A-Za-z0-9+/=]{40,})", "accountkey"),
    Kind(
        "azure-shared-key",
        r"(?i)SharedAccess(?:Key|Signature)=(?P<secret>[^;\s\"']{20,})",
        "sharedaccess",
    ),
    Kind(
        "signed-url",
        r"(?i)[?&](?:sig|signature|x-amz-signature|x-goog-signature|"
        r"x-amz-security-token|x-amz-credential)=(?P<secret>[^&\s\"'#]{8,})",
        "=",
    ),
    _token("azure-client-secret", r"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}", "8q~"),
    _token("github-token", r"(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{60,})", "gh"),
    _token(
        "gitlab-token", r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,}", "gl"
    ),
    _token("bitbucket-token", r"ATBB[A-Za-z0-9_=-]{28,}", "atbb"),
    _token("atlassian-token", r"ATATT3[A-Za-z0-9_=-]{60,}", "atatt3"),
    _token("huggingface-token", r"(?:hf|api_org)_[A-Za-z]{34,}", "_"),
    _token("wandb-key", r"wandb_v1_[A-Za-z0-9_]{30,}", "wandb_v1"),
    Kind(
        "wandb-key",
        r"(?i)wandb.{0,20}?(?:key|login).{0,4}?[=:\s\"']+(?P<secret>[0-9a-f]{40})\b",
        "wandb",
    ),
    _token("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{20,}", "sk-ant-"),
    _token("openai-key", r"sk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}", "sk-"),
    _token("groq-key", r"gsk_[A-Za-z0-9]{40,}", "gsk_"),
    _token("replicate-token", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("perplexity-key", r"pplx-[A-Za-z0-9]{32,}", "pplx-"),
    _token("slack-token", r"xox[abeoprs]-(?:\d-)?[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,}", "x"),
    Kind(
        "slack-webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_-]{20,})",
        "hooks.slack",
    ),
    Kind(
        "discord-webhook",
        r"discord(?:app)?\.com/api/webhooks/\d+/(?P<secret>[\w-]{40,})",
        "discord",
    ),
    Kind(
        "teams-webhook",
        r"webhook\.office\.com/webhookb2/(?P<secret>[\w@/-]{40,})",
        "webhook.office",
    ),
    Kind("telegram-token", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}" + _END, ":aa"),
    _token("discord-token", r"[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}", "."),
    _token(
        "stripe-key", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}", "_"
    ),
    _token("square-token", r"(?:EAAA[A-Za-z0-9_-]{60}|sq0[a-z]{3}-[A-Za-z0-9_-]{22,43})", ""),
    _token("twilio-key", r"SK[0-9a-f]{32}", "sk"),
    _token("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", "sg."),
    _token("mailgun-key", r"key-[0-9a-f]{32}", "key-"),
    _token("mailchimp-key", r"[0-9a-f]{32}-us\d{1,2}", "-us"),
    _token("npm-token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,}", "pypi-age"),
    _token("rubygems-key", r"rubygems_[0-9a-f]{48}", "rubygems_"),
    _token("docker-token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", "dckr_"),
    _token("databricks-token", r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    _token("digitalocean-token", r"do[opr]_v1_[0-9a-f]{64}", "_v1_"),
    _token("vault-token", r"hv[sbr]\.[A-Za-z0-9_-]{24,}", "hv"),
    _token("terraform-token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}", ".atlasv1."),
    _token("pulumi-token", r"pul-[0-9a-f]{40}", "pul-"),
    _token("shopify-token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shp"),
    _token("linear-key", r"lin_api_[A-Za-z0-9]{40}", "lin_api_"),
    _token("notion-token", r"(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})", "_"),
    _token("grafana-token", r"gl(?:sa|c)_[A-Za-z0-9_=+/-]{32,}", "gl"),
    _token("newrelic-key", r"NRAK-[A-Z0-9]{27}", "nrak-"),
    _token("sentry-token", r"sntr[ysu]s?_[A-Za-z0-9_=+/-]{40,}", "sntr"),
    _token("planetscale-token", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{32,}", "pscale_"),
    _token("prefect-key", r"pn[ub]_[A-Za-z0-9]{36}", "pn"),
    _token("airtable-token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", "pat"),
    _token("doppler-token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}", "dp."),
    _token("figma-token", r"figd_[A-Za-z0-9_-]{40,}", "figd_"),
    Kind(
        "basic-auth",
        r"(?i)\bbasic\s+(?P<secret>[A-Za-z0-9+/]{8,}={0,2})(?=[\s\"',;]|\Z)",
        "basic",
    ),
    Kind("bearer", r"(?i)\bbearer\s+(?P<secret>[A-Za-z0-9._~+/-]{12,}=*)", "bearer"),
    Kind(
        "url-password",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://"
        r"(?P<secret>[^\s/?#@\"'<>]*:[^\s/?#\"'<>]*?)@(?=[^\s/?#@]*(?:[/?#\s\"']|\Z))",
        "://",
    ),
    Kind(
        "connection-string",
        r"(?i)\b(?:password|pwd)\s*=\s*(?P<secret>[^;\"'\s]+)(?=\s*;)",
        ";",
    ),
)


class _Late:
    """A pattern that is compiled when it is first asked: most runs ask two of these."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._source = (pattern, flags)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(*self._source)

    def match(self, text: str) -> re.Match[str] | None:
        return self._pattern.match(text)

    def search(self, text: str) -> re.Match[str] | None:
        return self._pattern.search(text)

    def sub(self, stand_in: Callable[[re.Match[str]], str], text: str) -> str:
        return self._pattern.sub(stand_in, text)


# What a flag, a variable or a key is called when its value is a secret. Whole words of the name,
# so that `num_tokens`, `tokenizer`, `keypoints` and `primary_key` aren't taken for one.
_SECRET_NAME = (
    r"(?:[A-Za-z0-9_.-]*[_.-])?(?:"  # noqa: S105 - a pattern
    r"pass(?:word|wd|phrase|code)|pwd|secret|credentials?|"
    r"(?:api|access|auth|account|private|secret|signing|encryption|master|storage|service|"
    r"deploy|license|subscription)[_-]?key|"
    r"(?:secret|access)[_-]?key[_-]?id|(?:client|app|shared)[_-]?secret|"
    r"(?:access|auth|api|bearer|refresh|session|id|oauth|personal|security|hf|hub|github|gh|"
    r"gitlab|slack|bot|user|push|pull|registry|pypi|npm|ci|job|csrf|webhook)[_-]?token|token|"
    r"cookie|connection[_-]?string|dsn|sas|"
    r"apikey|authorization"
    r")(?:[_-](?:value|text|string|base64|b64))?"
)
_SECRET_FLAG = _Late(rf"-{{1,2}}(?P<name>{_SECRET_NAME})\Z", re.IGNORECASE)
_SECRET_VARIABLE = _Late(rf"{_SECRET_NAME}\Z", re.IGNORECASE)
_ASSIGNED_ARGUMENT = _Late(
    rf"(?P<head>(?:-{{1,2}}|\+{{1,2}})?{_SECRET_NAME}=)(?P<secret>.+)\Z", re.IGNORECASE | re.DOTALL
)
# In free text and source: a quoted literal, or an unquoted one in KEY=… of a shell or a .env.
_ASSIGNED = _Late(
    rf"""(?<![A-Za-z0-9_.-])["']?{_SECRET_NAME}["']?\s*(?:=|:|=>)\s*
    (?:"(?P<double>[^"\n\\]{{6,}})"|'(?P<single>[^'\n\\]{{6,}})'
    |(?P<bare>[^\s"'`,;(){{}}\[\]$<>]{{8,}})(?=\s*(?:\Z|[\n,;&|}}\#]|--|\s-)))""",
    re.IGNORECASE | re.VERBOSE,
)
# In every secret's name is one of these words.
_NAMED = _Late(
    r"pass|pwd|secret|credential|key|token|cookie|dsn|sas|authorization|connection", re.IGNORECASE
)
_FLAGGED = _Late(
    rf"(?<!\S)-{{1,2}}{_SECRET_NAME}(?:=|\s+)(?P<secret>[^\s\"'=-][^\s\"']*)", re.IGNORECASE
)
_USER_INFO = _Late(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://)(?P<secret>[^\s/?#]*)@")
_DONE = _Late(r"\[redacted:[a-z0-9-]+:[0-9a-f]{8}\]")
# Values under a secret's name that are none: a place to find it, a switch, a number, a name.
_HARMLESS = _Late(
    r"\$\{?\w+\}?|\{\{.*\}\}|<.*>|\[redacted:.*|(?:true|false|none|null|yes|no|on|off|env|prompt|"
    r"auto|default|required|optional|str|bytes|int|bool|string)\Z|-?\d{1,7}(?:\.\d+)?\Z|\*+\Z"
    r"|(?:os\.|self\.|args\.|cfg\.|config\.|settings\.|getpass\.|environ|secrets\.|st\.)[\w.]*",
    re.IGNORECASE,
)


@cache
def _structured(pattern: str) -> re.Pattern[str]:
    """Compile a row's pattern when its marker is first met: few are, and all take 10 ms."""
    return re.compile(pattern, re.DOTALL)


def redact_text(text: str, key: bytes) -> str:
    """Redact a text: every structured kind, and literals that a secret's name introduces."""
    if not text:
        return text
    lower = text.lower()
    for kind in STRUCTURED:
        if kind.marker in lower:
            text = _replace(_structured(kind.pattern), kind.name, text, key)
    if _NAMED.search(text):
        if "=" in text or ":" in text:
            text = _replace(_ASSIGNED, "value", text, key)
        if "-" in text:
            text = _replace(_FLAGGED, "value", text, key)
    return text


def redact_arguments(arguments: Sequence[str], key: bytes) -> tuple[str, ...]:
    """Redact a command line, also what follows a flag such as `--password`."""
    done: list[str] = []
    for position, argument in enumerate(arguments):
        before = arguments[position - 1] if position else ""
        flag = before.startswith("-") and _NAMED.search(before) and _SECRET_FLAG.match(before)
        if flag and not argument.startswith("-") and not _HARMLESS.match(argument):
            done.append(fingerprint("value", argument, key))
        else:
            done.append(redact_assignment(argument, key))
    return tuple(done)


def redact_assignment(text: str, key: bytes) -> str:
    """Redact one argument or `KEY=VALUE`: the whole value where the name says it is a secret."""
    assigned = "=" in text and _NAMED.search(text) and _ASSIGNED_ARGUMENT.match(text)
    if assigned and not _HARMLESS.match(assigned["secret"]):
        return assigned["head"] + fingerprint("value", assigned["secret"], key)
    return redact_text(text, key)


def redact_value(name: str, value: str, key: bytes) -> str:
    """Redact the value of a variable, parameter or config key by its name and its shape."""
    named = value and _NAMED.search(name) and _SECRET_VARIABLE.match(name)
    if named and not _HARMLESS.match(value):
        return fingerprint("value", value, key)
    return redact_text(value, key)


def redact_mapping(values: Mapping[str, str], key: bytes) -> dict[str, str]:
    """Redact variables or parameters."""
    return {name: redact_value(name, value, key) for name, value in values.items()}


def redact_url(url: str, key: bytes) -> str:
    """Take the user-info out of a URL (all of it: many hosts take a token as the user's name)."""
    return redact_text(_USER_INFO.sub(lambda match: match["head"], url), key)


def redact_bytes(data: bytes, key: bytes) -> bytes:
    """Redact content that is to be kept; bytes that are no text pass through unchanged."""
    return redact_text(data.decode("utf-8", "surrogateescape"), key).encode(
        "utf-8", "surrogateescape"
    )


def redact_all(texts: Iterable[str], key: bytes) -> tuple[str, ...]:
    """Redact several texts."""
    return tuple(redact_text(text, key) for text in texts)


def fingerprint(kind: str, secret: str, key: bytes) -> str:
    """Stand in for a secret: equal secrets of one project have equal fingerprints."""
    digest = keyed_digest(key, b"secret\0" + secret.encode("utf-8", "surrogatepass"))
    return f"[redacted:{kind}:{digest.rpartition(':')[2][:8]}]"


def _replace(pattern: re.Pattern[str] | _Late, kind: str, text: str, key: bytes) -> str:
    def stand_in(match: re.Match[str]) -> str:
        group = _group_of(match)
        secret = match[group]
        if _DONE.search(secret) or (kind == "value" and _HARMLESS.match(secret)):
            return match[0]
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return match[0][:start] + fingerprint(kind, secret, key) + match[0][end:]

    return pattern.sub(stand_in, text)


def _group_of(match: re.Match[str]) -> str | int:
    named = match.groupdict()
    for group in ("secret", "double", "single", "bare"):
        if named.get(group) is not None:
            return group
    return 0
