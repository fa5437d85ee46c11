"""The kinds of secret that are known by their shape, as one table.

Formats are those that the providers document. Every pattern is linear: a run of characters ends
where the next part begins, so no text makes it try one thing in many ways.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple


class Kind(NamedTuple):
    """One structured kind: the named group `secret`, or the whole match, is what goes.

    `marker` is a text without which the pattern can't match, in lower case; of several, with `|`
    between, one. `proof` looks at what would go, where the shape alone fits ordinary words, too.
    """

    name: str
    pattern: str
    marker: str
    proof: Callable[[str], bool] | None = None


_START = r"(?<![A-Za-z0-9_-])"
_END = r"(?![A-Za-z0-9_-])"
_BEGIN_KEY = r"-----BEGIN (?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----"


def _token(name: str, body: str, marker: str, proof: Callable[[str], bool] | None = None) -> Kind:
    return Kind(name, _START + body + _END, marker, proof)


def _has_digit(text: str) -> bool:
    return any(letter.isdecimal() for letter in text)


def _is_mixed(text: str) -> bool:
    """Tell a random token from words with dashes between: it has digits and capitals."""
    return _has_digit(text) and any(letter.isupper() for letter in text)


def _is_basic(text: str) -> bool:
    """Tell `user:password` in base64 from a word that follows «basic»."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in plain


def _is_user_info(text: str) -> bool:
    """Tell a name and a password from what shows where they go: `{user}:{password}`."""
    user, _, password = text.partition(":")
    shown = user.lower() in ("user", "username") and password.lower() in ("pass", "password")
    return not shown and not any(mark in password for mark in "{<[")


# Order counts: what stands first wins where two fit. A marker makes most rows cost one `in`.
STRUCTURED: tuple[Kind, ...] = (
    # Keys and signed documents.
    Kind(
        "private-key",
        _BEGIN_KEY + r"(?P<secret>[^-]*(?:-(?!-)[^-]*)*)-----END (?P=label)-----",
        "private key",
    ),
    # One that was cut off.
    Kind("private-key", _BEGIN_KEY + r"(?P<secret>[A-Za-z0-9+/=\s\\#]{8,})", "private key"),
    Kind(
        "putty-key",
        # Its lines, also as a string in source, or commented out.
        r"Private-Lines: \d{1,6}"
        r"(?P<secret>(?:(?:\\[rn]|[\s\"'#;*]){1,12}+(?!Private-)[A-Za-z0-9+/=]{4,64}+){1,200})",
        "private-lines",
    ),
    Kind("age-key", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", "age-secret-key-"),
    _token("1password-token", r"ops_ey[A-Za-z0-9_-]{40,}=*", "ops_ey"),
    _token("mapbox-token", r"sk\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}", "sk.ey"),
    _token("jwt", r"ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", ".ey"),
    # Clouds.
    _token(
        "aws-key-id",
        r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z2-7]{16}",
        "akia|asia|abia|acca|aroa|aida",
    ),
    Kind(
        "aws-secret",
        r"(?i)aws.{0,20}?(?:secret|sk).{0,20}?[=:\s\"']{1,8}(?P<secret>[A-Za-z0-9/+]{40})"
        r"(?![A-Za-z0-9/+])",
        "aws",
    ),
    _token("google-api-key", r"AIza[A-Za-z0-9_-]{35}", "aiza"),
    _token("google-oauth", r"ya29\.[A-Za-z0-9_-]{20,}", "ya29."),
    _token("google-client-secret", r"GOCSPX-[A-Za-z0-9_-]{20,}", "gocspx-"),
    _token("firebase-key", r"AAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}", ":apa91b"),
    Kind("azure-account-key", r"(?i)AccountKey=(?P<secret>[A-Za-z0-9+/=]{40,})", "accountkey"),
    Kind(
        "azure-shared-key",
        r"(?i)SharedAccess(?:Key|Signature)=(?P<secret>[^;\s\"']{20,})",
        "sharedaccess",
    ),
    _token("azure-client-secret", r"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}", "8q~"),
    Kind(
        "signed-url",
        r"(?i)[?&](?:sig|signature|x-amz-signature|x-goog-signature|"
        r"x-amz-security-token|x-amz-credential)=(?P<secret>[^&\s\"'#]{8,})",
        "sig=|signature=|-token=|-credential=",
    ),
    _token("alibaba-key-id", r"LTAI[A-Za-z0-9]{12,26}", "ltai", _has_digit),
    _token("tencent-key-id", r"AKID[A-Za-z0-9]{32}", "akid"),
    _token("digitalocean-token", r"do[opr]_v1_[0-9a-f]{64}", "_v1_"),
    _token("heroku-key", r"HRKU-[A-Za-z0-9_-]{36,}", "hrku-"),
    _token("flyio-token", r"fm[12][ar]?_[A-Za-z0-9+/=_-]{60,}", "fm"),
    _token("supabase-token", r"sbp_[0-9a-f]{40}", "sbp_"),
    _token("cloudflare-ca-key", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}", "v1.0-"),
    # Code, packages, builds.
    _token("github-token", r"gh[pousr]_[A-Za-z0-9]{36,251}", "gh"),
    _token("github-token", r"github_pat_[A-Za-z0-9_]{60,}", "github_pat_"),
    _token(
        "gitlab-token",
        r"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_-]{20,}(?:\.[\w.]+)?",
        "gl",
        _has_digit,
    ),
    _token("bitbucket-token", r"ATBB[A-Za-z0-9_=-]{28,}", "atbb"),
    _token("atlassian-token", r"ATATT3[A-Za-z0-9_=-]{60,}", "atatt3"),
    _token("npm-token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,}", "pypi-age"),
    _token("rubygems-key", r"rubygems_[0-9a-f]{48}", "rubygems_"),
    _token("docker-token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", "dckr_"),
    _token("artifactory-key", r"AKCp[58][A-Za-z0-9]{60,80}", "akcp"),
    _token("terraform-token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}", ".atlasv1."),
    _token("pulumi-token", r"pul-[0-9a-f]{40}", "pul-"),
    _token("vault-token", r"hv[sbr]\.[A-Za-z0-9_-]{24,}", "hv"),
    _token("doppler-token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}", "dp."),
    _token("tailscale-key", r"tskey-[a-z]{2,12}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}", "tskey-"),
    # Models and data.
    _token("huggingface-token", r"(?:hf|api_org)_[A-Za-z]{34,}", "hf_|api_org_"),
    _token("wandb-key", r"wandb_v1_[A-Za-z0-9_]{30,}", "wandb_v1"),
    Kind(
        "wandb-key",
        r"(?i)wandb.{0,20}?(?:key|login).{0,4}?[=:\s\"']{1,8}(?P<secret>[0-9a-f]{40})\b",
        "wandb",
    ),
    _token("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{20,}", "sk-ant-"),
    _token(
        "openai-key", r"sk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}", "sk-", _is_mixed
    ),
    _token("openrouter-key", r"sk-or-v1-[0-9a-f]{64}", "sk-or-v1-"),
    _token("groq-key", r"gsk_[A-Za-z0-9]{40,}", "gsk_"),
    _token("xai-key", r"xai-[A-Za-z0-9]{60,}", "xai-"),
    _token("nvidia-key", r"nvapi-[A-Za-z0-9_-]{60,}", "nvapi-"),
    _token("replicate-token", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("perplexity-key", r"pplx-[A-Za-z0-9]{32,}", "pplx-"),
    _token("langsmith-key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}", "lsv2_"),
    _token("pinecone-key", r"pcsk_[A-Za-z0-9_]{50,}", "pcsk_"),
    _token("kaggle-token", r"KGAT_[0-9a-f]{32}", "kgat_"),
    _token("databricks-token", r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    _token("prefect-key", r"pn[ub]_[A-Za-z0-9]{36}", "pn"),
    _token("planetscale-token", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{32,}", "pscale_"),
    _token("airtable-token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", "pat"),
    # Messages.
    _token(
        "slack-token",
        r"(?:xox[abeoprs]-(?:\d-)?[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})",
        "xox|xapp-",
        _has_digit,
    ),
    Kind(
        "slack-webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_-]{20,})",
        "hooks.slack",
    ),
    Kind(
        "discord-webhook",
        r"discord(?:app)?\.com/api/webhooks/\d{1,24}/(?P<secret>[\w-]{40,})",
        "discord",
    ),
    Kind(
        "teams-webhook",
        r"webhook\.office\.com/webhookb2/(?P<secret>[\w@/-]{40,})",
        "webhook.office",
    ),
    Kind("telegram-token", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}" + _END, ":aa"),
    _token("discord-token", r"[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}", "."),
    _token("twilio-key", r"SK[0-9a-f]{32}", "sk"),
    _token("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", "sg."),
    _token("brevo-key", r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}", "xkeysib-"),
    _token("mailgun-key", r"key-[0-9a-f]{32}", "key-"),
    _token("mailchimp-key", r"[0-9a-f]{32}-us\d{1,2}", "-us"),
    # Money, documents, watching.
    _token("stripe-key", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}", "_live_|_test_"),
    _token("stripe-webhook", r"whsec_[A-Za-z0-9+/=]{24,}", "whsec_"),
    _token("square-token", r"EAAA[A-Za-z0-9_-]{60}", "eaaa"),
    _token("square-token", r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,43}", "sq0"),
    _token("easypost-key", r"EZ[AT]K[A-Za-z0-9]{54}", "ez"),
    _token("shippo-token", r"shippo_(?:live|test)_[0-9a-f]{40}", "shippo_"),
    _token("shopify-token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shp"),
    _token("linear-key", r"lin_api_[A-Za-z0-9]{40}", "lin_api_"),
    _token("notion-token", r"(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})", "secret_|ntn_"),
    _token("figma-token", r"figd_[A-Za-z0-9_-]{40,}", "figd_"),
    _token("typeform-token", r"tfp_[A-Za-z0-9_.=-]{40,}", "tfp_"),
    _token("contentful-token", r"CFPAT-[A-Za-z0-9_-]{43}", "cfpat-"),
    _token("postman-key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "pmak-"),
    _token("readme-key", r"rdme_[a-z0-9]{70}", "rdme_"),
    _token("grafana-token", r"gl(?:sa|c)_[A-Za-z0-9_=+/-]{32,}", "gl"),
    _token("newrelic-key", r"NRAK-[A-Z0-9]{27}", "nrak-"),
    _token("sentry-token", r"sntry[su]_[A-Za-z0-9_=+/-]{40,}", "sntr"),
    _token("dynatrace-token", r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "dt0"),
    # What says itself that a secret comes.
    Kind(
        "basic-auth",
        r"(?i)\bbasic\s{1,8}(?P<secret>[A-Za-z0-9+/]{8,}={0,2})(?=[\s\"',;]|\Z)",
        "basic",
        _is_basic,
    ),
    Kind(
        "bearer",
        r"(?i)\bbearer\s{1,8}(?P<secret>[A-Za-z0-9._~+/-]{12,}=*)",
        "bearer",
        _has_digit,
    ),
    Kind(
        "url-password",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://"
        r"(?P<secret>[^\s/?#@\"'<>:]*:[^\s/?\"'<>]*?)@(?=[^\s/?#@]*(?:[/?#\s\"'\\),;]|\Z))",
        "://",
        _is_user_info,
    ),
    Kind(
        "url-token",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://(?P<secret>[A-Za-z0-9_.-]{20,})@",
        "://",
        _has_digit,
    ),
    Kind(
        "connection-string",
        r"(?i)\b(?:password|pwd)\s{0,4}=\s{0,4}(?P<secret>[^;\"'\s]{1,250}+)(?=\s{0,4};)",
        "password|pwd",
    ),
    Kind(
        "netrc",
        r"\bmachine\s{1,8}\S{1,255}\s{1,8}login\s{1,8}\S{1,255}\s{1,8}password\s{1,8}(?P<secret>\S+)",
        "machine",
    ),
    Kind(
        "command-password",
        r"\b(?:curl|wget|http)\b[^\n]{0,300}?\s(?:-u|--user|--proxy-user)[ =]?[\"']?"
        r"[^:\s\"'-][^:\s\"']{0,63}:(?P<secret>[^\s\"':]+)",
        "-u",
    ),
    Kind("command-password", r"\bsshpass\s{1,8}-p\s{0,8}[\"']?(?P<secret>[^\s\"']+)", "sshpass"),
)
