"""Redaction: secrets of every kind go, what only looks like one stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.collect import redact
from provgraph.collect.redact import redact_arguments, redact_text, redact_url, redact_value

KEY = b"k" * 32
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9kL2nP5qR8tU1wX4yZ"
HEX = "0123456789abcdef" * 4
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

PLANTED = {
    "private-key": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nabc",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{MIXED[:43]}",
    "aws-key-id": "AKIAIOSFODNN7EXAMPLE",
    "google-api-key": "AIza" + MIXED[:35],
    "google-oauth": "ya29." + MIXED[:40],
    "github-token": "ghp_" + MIXED[:36],
    "gitlab-token": "glpat-" + MIXED[:20],
    "bitbucket-token": "ATBB" + MIXED[:32],
    "atlassian-token": "ATATT3" + MIXED + MIXED,
    "huggingface-token": "hf_" + LETTERS[:34],
    "anthropic-key": "sk-ant-api03-" + MIXED,
    "openai-key": "sk-proj-" + MIXED,
    "groq-key": "gsk_" + MIXED[:52],
    "replicate-token": "r8_" + MIXED[:37],
    "slack-token": "xoxb-123456789012-" + MIXED[:24],
    "telegram-token": "123456789:AA" + MIXED[:33],
    "stripe-key": "sk_live_" + MIXED[:24],
    "twilio-key": "SK" + HEX[:32],
    "sendgrid-key": f"SG.{MIXED[:22]}.{MIXED[:43]}",
    "mailgun-key": "key-" + HEX[:32],
    "mailchimp-key": HEX[:32] + "-us12",
    "npm-token": "npm_" + MIXED[:36],
    "pypi-token": "pypi-AgEIcHlwaS5vcmc" + MIXED,
    "rubygems-key": "rubygems_" + HEX[:48],
    "docker-token": "dckr_pat_" + MIXED[:27],
    "databricks-token": "dapi" + HEX[:32],
    "digitalocean-token": "dop_v1_" + HEX,
    "vault-token": "hvs." + MIXED[:30],
    "terraform-token": f"{MIXED[:14]}.atlasv1.{MIXED}{MIXED[:8]}",
    "pulumi-token": "pul-" + HEX[:40],
    "shopify-token": "shpat_" + HEX[:32],
    "linear-key": "lin_api_" + MIXED[:40],
    "notion-token": "secret_" + MIXED[:43],
    "grafana-token": "glsa_" + MIXED[:40],
    "newrelic-key": "NRAK-" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ1",
    "airtable-token": f"pat{MIXED[:14]}.{HEX}",
    "figma-token": "figd_" + MIXED[:40],
}


@pytest.mark.parametrize("kind", sorted(PLANTED))
@pytest.mark.parametrize("around", ["{}", "x = '{}'", "a {} b", "--anything={}", '{{"v":"{}"}}'])
def test_structured_secrets_go_wherever_they_stand(kind: str, around: str) -> None:
    secret = PLANTED[kind]
    if kind == "private-key":
        secret = f"-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----"
    text = redact_text(around.format(secret), KEY)
    assert PLANTED[kind] not in text
    assert f"[redacted:{kind}:" in text
    assert redact_text(text, KEY) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgresql://ana:s3cr3t@db:5432/x", "s3cr3t"),
        ("mongodb+srv://u:p%40ss@h/d", "p%40ss"),
        ("redis://:hunter22@h:6379/0", "hunter22"),
        ("Server=db;User Id=sa;Password=hunter22;", "hunter22"),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + "QUJD" * 20 + "==", "QUJD"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=" + HEX, HEX),
        ("https://hooks.slack.com/services/T00000000/B00000000/" + MIXED[:24], MIXED[:24]),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("curl -H 'Authorization: Bearer " + MIXED[:30] + "'", MIXED[:30]),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("password: 'correct horse'", "correct horse"),
        ('api_key="not-so-random"', "not-so-random"),
        ("export DB_PASSWORD=hunter22\n", "hunter22"),
        ("cmd --token abcdefgh --x 1", "abcdefgh"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk"),
    ],
)
def test_secrets_in_text_go(text: str, secret: str) -> None:
    done = redact_text(text, KEY)
    assert secret not in done
    assert "[redacted:" in done
    assert redact_text(done, KEY) == done


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--password", "hunter2"], ["--password", "[…]"]),
        (["--token=abc"], ["--token=[…]"]),
        (["--api-key", "x y"], ["--api-key", "[…]"]),
        (["-password", "p"], ["-password", "[…]"]),
        (["hf_token=abc"], ["hf_token=[…]"]),
        (["+db.password=abc"], ["+db.password=[…]"]),
        (["--password", "--verbose"], ["--password", "--verbose"]),
        (["--num-tokens", "5000"], ["--num-tokens", "5000"]),
        (["--max_tokens=512"], ["--max_tokens=512"]),
        (["--tokenizer", "bert-base"], ["--tokenizer", "bert-base"]),
        (["--key", "species"], ["--key", "species"]),
        (["--primary-key=id"], ["--primary-key=id"]),
        (["--password=$DB_PASSWORD"], ["--password=$DB_PASSWORD"]),
        (["train.py", "data/v1"], ["train.py", "data/v1"]),
    ],
)
def test_arguments(given: list[str], expected: list[str]) -> None:
    import re

    done = redact_arguments(given, KEY)
    assert [re.sub(r"\[redacted:value:[0-9a-f]{8}\]", "[…]", one) for one in done] == expected


@pytest.mark.parametrize(
    "text",
    [
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "num_tokens=4096, max_tokens: 512, tokenizer=bert-base-uncased",
        "123e4567-e89b-12d3-a456-426614174000",
        "sha256:" + HEX,
        "b3:" + HEX,
        "run:01J8ZQ4Y7N3T5V9XKQ2M6R8W1C",
        "s3://bucket/openml-41021/v3.parquet",
        "https://example.org/a?page=2&sort=key",
        "git@github.com:org/repo.git",
        "user@host:path",
        "keypoints = 17; primary_key = 'species'; sort_keys=True",
        "password = getpass.getpass()",
        "token = os.environ['HF_TOKEN']",
        "secret = None",
        "def f(token: str, password: str = 'x') -> None: ...",
        "for token in tokens: total += 1",
        "key=lambda row: row[0]",
        "basic block and bearer bond",
        "model.safetensors hf_hub_download(repo_id='bert')",
        "sk-learn sk_model sklearn",
        "eyes.eyebrow.eyelash",
        "http://localhost:8080/a@b",
        "the tokens: alpha, beta",
        "Password must be set",
    ],
)
def test_look_alikes_survive(text: str) -> None:
    assert redact_text(text, KEY) == text
    assert redact_arguments([text], KEY) == (text,)


def test_urls_lose_all_user_info() -> None:
    assert redact_url("https://ghtoken@github.com/a/b.git", KEY) == "https://github.com/a/b.git"
    assert redact_url("https://u:p@h:8/a", KEY) == "https://h:8/a"
    assert redact_url("git@github.com:a/b.git", KEY) == "git@github.com:a/b.git"
    assert redact_url("/srv/git/a@b.git", KEY) == "/srv/git/a@b.git"


def test_values_go_by_the_name_of_what_has_them() -> None:
    assert redact_value("HF_TOKEN", "abc", KEY).startswith("[redacted:value:")
    assert redact_value("OMP_NUM_THREADS", "4", KEY) == "4"
    assert redact_value("LANG", "C.UTF-8", KEY) == "C.UTF-8"
    assert redact.redact_mapping({"A_PASSWORD": "", "B": "x"}, KEY) == {"A_PASSWORD": "", "B": "x"}


def test_fingerprints_tell_secrets_apart_and_projects_too() -> None:
    one, other = redact_value("TOKEN", "a-secret", KEY), redact_value("TOKEN", "b-secret", KEY)
    assert one == redact_value("TOKEN", "a-secret", KEY) != other
    assert one != redact_value("TOKEN", "a-secret", b"o" * 32)


@given(st.text(max_size=200))
def test_any_text_is_redacted_once(text: str) -> None:
    done = redact_text(text, KEY)
    assert redact_text(done, KEY) == done


@given(st.binary(max_size=200))
def test_bytes_without_secrets_are_kept_as_they_are(data: bytes) -> None:
    if "[redacted:" not in (text := data.decode("utf-8", "surrogateescape")):
        assert redact.redact_bytes(data, KEY) == redact_text(text, KEY).encode(
            "utf-8", "surrogateescape"
        )


def test_hostile_texts_are_quick() -> None:
    import time

    for text in (
        "a" * 100_000,
        "password=" * 20_000,
        "://" * 50_000,
        "ey" * 50_000,
        "aws" * 30_000,
        "x:" * 50_000,
        "a-" * 50_000,
        "a." * 50_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
    ):
        start = time.perf_counter()
        redact_text(text, KEY)
        assert time.perf_counter() - start < 20, text[:20]
