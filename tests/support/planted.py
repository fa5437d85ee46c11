"""Secrets made by rule, the same each time: one recipe for each kind that provgraph knows by shape.

A recipe is a text with places to fill: `{h32}` is 32 random letters of the alphabet `h`. What `«…»`
marks is the secret; without marks the whole is one.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "a": string.ascii_lowercase + string.digits,
    "u": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "U": string.ascii_uppercase + string.digits,
    "l": string.ascii_letters,
    "h": "0123456789abcdef",
    "d": string.digits,
    "b": string.ascii_letters + string.digits + "_-",
    "B": string.ascii_letters + string.digits + "+/",
    "q": "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper(),
    # What a person's password has; nothing that a shell, TOML or JSON would read otherwise.
    "p": string.ascii_letters + string.digits + "!#%+-_.",
}
_PLACE = re.compile(r"\{([A-Za-z])(\d+)\}")

STRUCTURED = {
    "private-key": (
        "-----BEGIN RSA PRIVATE KEY-----\n«{B64}\n{B64}\n{B38}==»\n-----END RSA PRIVATE KEY-----"
    ),
    "putty-key": (
        "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n«{B64}\n{B40}»\nPrivate-MAC: {h64}"
    ),
    "age-key": "AGE-SECRET-KEY-1{q58}",
    "1password-token": "ops_ey{b200}",
    "mapbox-token": "sk.ey{b60}.{b22}",
    "jwt": "eyJhbGciOiJI{b16}.eyJz{b60}.{b43}",
    "aws-key-id": "AKIA{u16}",
    "aws-secret": "aws_secret_access_key = «{B40}»",
    "google-api-key": "AIza{b35}",
    "google-oauth": "ya29.{b60}",
    "google-client-secret": "GOCSPX-{b28}",
    "firebase-key": "AAAA{b7}:APA91b{b134}",
    "azure-account-key": "DefaultEndpointsProtocol=https;AccountName=lab;AccountKey=«{B86}==»",
    "azure-shared-key": "Endpoint=sb://lab.example/;SharedAccessKeyName=root;SharedAccessKey=«{B43}=»",
    "azure-client-secret": "{A3}8Q~{b34}",
    "signed-url": "https://lab.blob.example/d.csv?sp=r&sig=«{A40}%3D»",
    "alibaba-key-id": "LTAI5t{A18}",
    "tencent-key-id": "AKID{A32}",
    "digitalocean-token": "dop_v1_{h64}",
    "heroku-key": "HRKU-{h8}-{h4}-{h4}-{h4}-{h12}",
    "flyio-token": "fm2_{B80}",
    "supabase-token": "sbp_{h40}",
    "cloudflare-ca-key": "v1.0-{h24}-{h146}",
    "github-token": "ghp_{A36}",
    "gitlab-token": "glpat-{b19}7",
    "bitbucket-token": "ATBB{A32}",
    "atlassian-token": "ATATT3xFfGF0{b170}",
    "npm-token": "npm_{A36}",
    "pypi-token": "pypi-AgEIcHlwaS5vcmc{b120}",
    "rubygems-key": "rubygems_{h48}",
    "docker-token": "dckr_pat_{b27}",
    "artifactory-key": "AKCp8{A68}",
    "terraform-token": "{A14}.atlasv1.{b67}",
    "pulumi-token": "pul-{h40}",
    "vault-token": "hvs.{b90}",
    "doppler-token": "dp.pt.{A43}",
    "tailscale-key": "tskey-auth-k{A16}-{A32}",
    "huggingface-token": "hf_{l34}",
    "wandb-key": "WANDB_API_KEY=«{h40}»",
    "anthropic-key": "sk-ant-api03-{b93}AA",
    "openai-key": "sk-proj-{b46}T3BlbkFJ{b46}",
    "openrouter-key": "sk-or-v1-{h64}",
    "groq-key": "gsk_{A52}",
    "xai-key": "xai-{A80}",
    "nvidia-key": "nvapi-{b64}",
    "replicate-token": "r8_{A37}",
    "perplexity-key": "pplx-{A48}",
    "langsmith-key": "lsv2_pt_{h32}_{h10}",
    "pinecone-key": "pcsk_{A6}_{A63}",
    "kaggle-token": "KGAT_{h32}",
    "databricks-token": "dapi{h32}",
    "prefect-key": "pnu_{A36}",
    "planetscale-token": "pscale_tkn_{b43}",
    "airtable-token": "pat{A14}.{h64}",
    "slack-token": "xoxb-{d12}-{d12}-{A24}",
    "slack-webhook": "https://hooks.slack.com/services/«T{U8}/B{U8}/{A24}»",
    "discord-webhook": "https://discord.com/api/webhooks/{d18}/«{b68}»",
    "teams-webhook": "https://lab.webhook.office.com/webhookb2/«{h36}@{h36}/IncomingWebhook/{h32}/{h36}»",
    "telegram-token": "{d10}:AA{b33}",
    "discord-token": "M{A24}.{b6}.{b30}",
    "twilio-key": "SK{h32}",
    "sendgrid-key": "SG.{b22}.{b43}",
    "brevo-key": "xkeysib-{h64}-{A16}",
    "mailgun-key": "key-{h32}",
    "mailchimp-key": "{h32}-us12",
    "stripe-key": "sk_live_{A24}",
    "stripe-webhook": "whsec_{B32}",
    "square-token": "sq0csp-{b43}",
    "easypost-key": "EZAK{A54}",
    "shippo-token": "shippo_live_{h40}",
    "shopify-token": "shpat_{h32}",
    "linear-key": "lin_api_{A40}",
    "notion-token": "ntn_{A46}",
    "figma-token": "figd_{b43}",
    "typeform-token": "tfp_{b44}",
    "contentful-token": "CFPAT-{b43}",
    "postman-key": "PMAK-{h24}-{h34}",
    "readme-key": "rdme_{a70}",
    "grafana-token": "glsa_{A32}_{h8}",
    "newrelic-key": "NRAK-{U27}",
    "sentry-token": "sntryu_{h64}",
    "dynatrace-token": "dt0c01.{U24}.{U64}",
    "basic-auth": "Authorization: Basic «{basic}»",
    "bearer": "Authorization: Bearer «{A40}7»",
    "url-password": "postgresql://«ana:{p14}»@db.example:5432/lab",
    "url-token": "https://«{A39}7»@git.example/lab.git",
    "connection-string": "Server=db;Database=lab;User Id=sa;Password=«{p14}»;Encrypt=yes",
    "netrc": "machine git.example login ana password «{p14}»",
    "command-password": "curl -s -u ana:«{p14}» https://lab.example/api",
}
# How a password without a shape of its own stands where people write it.
UNSTRUCTURED = {
    "env-line": "DB_PASSWORD={p12}",
    "yaml-line": "  password: {p12}",
    "json-pair": '{{"user": "ana", "password": "{p12}"}}',
    "python-assignment": 'api_key = "{A24}"',
    "python-keyword": "connect(host='db', password='{p12}')",
    "toml-line": 'secret = "{A20}"',
    "ini-line": "token = {A20}",
    "flag": "train.py --password {p12} --epochs 3",
    "flag-equals": "train.py --api-key={A24} --epochs 3",
    "url-query": "https://lab.example/data?token={A20}&page=2 HTTP/1.1",
    "dsn": "mysql://ana:{p12}@db.example/lab",
    "shell-export": "export AWS_SESSION_TOKEN={A40}",
    "camel-case": '"clientSecret": "{A20}"',
    "markup": "<password>{p12}</password>",
    "header": "X-Api-Key: {A32}",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret in its surroundings: the text that holds it, and what must not be kept of it."""

    kind: str
    text: str
    secret: str


class Planter:
    """Makes secrets, the same for the same seed."""

    def __init__(self, seed: int = 20261125) -> None:
        self._random = random.Random(seed)

    def one(self, kind: str) -> Planted:
        """Make a structured or unstructured secret of a kind."""
        recipe = STRUCTURED.get(kind) or UNSTRUCTURED[kind].replace("{{", "{").replace("}}", "}")
        text = self.filled(recipe)
        secret = re.search("«(.*)»", text, re.DOTALL)
        if kind in UNSTRUCTURED:
            head, tail = re.split(_PLACE.pattern, recipe)[
                :: len(re.split(_PLACE.pattern, recipe)) - 1
            ]
            return Planted(kind, text, text[len(head) : len(text) - len(tail)])
        plain = text.replace("«", "").replace("»", "")
        return Planted(kind, plain, secret[1] if secret else plain)

    def all(self, each: int) -> Iterator[Planted]:
        """Make so many of each structured kind."""
        for kind in STRUCTURED:
            for _ in range(each):
                yield self.one(kind)

    def filled(self, recipe: str) -> str:
        """Fill a recipe's places."""
        if "{basic}" in recipe:
            plain = f"ana:{self._letters('p', 14)}".encode()
            recipe = recipe.replace("{basic}", base64.b64encode(plain).decode())
        return _PLACE.sub(lambda place: self._letters(place[1], int(place[2])), recipe)

    def _letters(self, alphabet: str, count: int) -> str:
        letters = "".join(self._random.choices(_ALPHABETS[alphabet], k=count))
        if alphabet in "AbBp" and count >= 8:  # as random as they look: never letters alone
            place = self._random.randrange(1, count - 1)
            letters = letters[:place] + "7Q"[count % 2 :][:1] + letters[place + 1 :]
            letters = letters[:1].replace("-", "x").replace(".", "y") + letters[1:-1] + "k"
        return letters
