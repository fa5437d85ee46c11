"""Redaction: secrets of every kind go, what only looks like one stays."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.collect.secrets import Redactor, Rules, redactor
from provgraph.collect.secrets.rules import complaint_about, complaint_about_pattern
from provgraph.collect.secrets.structured import STRUCTURED
from tests.support import planted

KEY = b"k" * 32
SAFE = Redactor(KEY)
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9kL2nP5qR8tU1wX4yZ"
HEX = "0123456789abcdef" * 4
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


KINDS = sorted({kind.name for kind in STRUCTURED})
AROUND = ["{}", "x = '{}'", "a {} b", "--anything={}", '{{"v":"{}"}}', "(see {}, there)"]


def test_each_kind_has_a_recipe_and_there_are_enough() -> None:
    assert sorted(planted.STRUCTURED) == KINDS
    assert len(KINDS) >= 50


@pytest.mark.parametrize("kind", KINDS)
def test_structured_secrets_go_wherever_they_stand(kind: str) -> None:
    planter = planted.Planter()
    assert f"[redacted:{kind}:" in SAFE.text(planter.one(kind).text)
    for around in AROUND * 3:
        one = planter.one(kind)
        text = SAFE.text(around.format(one.text))
        assert one.secret not in text
        assert "[redacted:" in text
        assert SAFE.text(text) == text


@pytest.mark.parametrize("kind", sorted(planted.UNSTRUCTURED))
def test_what_a_name_says_is_a_secret_goes(kind: str) -> None:
    planter = planted.Planter()
    for _ in range(30):
        one = planter.one(kind)
        assert one.secret not in SAFE.text(one.text), one.text


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
        ('run(["mysql", "--password", "s3cr3t"])', "s3cr3t"),
        ("call('x', '--api-key', 'abc-def')", "abc-def"),
        ('api_key="not-so-random"', "not-so-random"),
        ("export DB_PASSWORD=hunter22\n", "hunter22"),
        ("cmd --token abcdefgh --x 1", "abcdefgh"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk"),
    ],
)
def test_secrets_in_text_go(text: str, secret: str) -> None:
    done = SAFE.text(text)
    assert secret not in done
    assert "[redacted:" in done
    assert SAFE.text(done) == done


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
    done = SAFE.arguments(given)
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
        'click.option("--password", "password", help="Asked for where it is missing")',
        'parser.add_argument("--token", "-t")',
        'command = ["--num-tokens", "4k-8k", "--key", "a-b"]',
        "basic training, Basic statistics and bearer authentication",
        'pad_token="[PAD]", eos_token = "<|endoftext|>", mask_token: "[MASK]", sep_token="[SEP-1]"',
        "pwd=/home/ana/work",
        'getpass("The password: " + name) or ask("token:" + other)',
        'f"postgresql://{user}:{password}@{host}/lab" or "https://user:password@host/"',
        "password: SecretStr\ntoken: torch.Tensor\n",
        "connect(token=access_token_of_user, key=1)",
        "sk-learn-experiments-2024-with-a-long-name",
        "if text.startswith('-----BEGIN PRIVATE KEY-----'): raise ValueError(text)",
        'credentials = "config/service.json"',
    ],
)
def test_look_alikes_survive(text: str) -> None:
    assert SAFE.text(text) == text
    assert SAFE.arguments([text]) == (text,)


def test_urls_lose_all_user_info() -> None:
    assert SAFE.url("https://ghtoken@github.com/a/b.git") == "https://github.com/a/b.git"
    assert SAFE.url("https://u:p@h:8/a") == "https://h:8/a"
    assert SAFE.url("git@github.com:a/b.git") == "git@github.com:a/b.git"
    assert SAFE.url("/srv/git/a@b.git") == "/srv/git/a@b.git"


def test_values_go_by_the_name_of_what_has_them() -> None:
    assert SAFE.value("HF_TOKEN", "abc").startswith("[redacted:value:")
    assert SAFE.value("OMP_NUM_THREADS", "4") == "4"
    assert SAFE.value("LANG", "C.UTF-8") == "C.UTF-8"
    assert SAFE.mapping({"A_PASSWORD": "", "B": "x"}) == {"A_PASSWORD": "", "B": "x"}


def test_fingerprints_tell_secrets_apart_and_projects_too() -> None:
    one, other = SAFE.value("TOKEN", "a-secret"), SAFE.value("TOKEN", "b-secret")
    assert one == SAFE.value("TOKEN", "a-secret") != other
    assert one != Redactor(b"o" * 32).value("TOKEN", "a-secret")


@given(st.text(max_size=200))
def test_any_text_is_redacted_once(text: str) -> None:
    done = SAFE.text(text)
    assert SAFE.text(done) == done


@given(st.binary(max_size=200))
def test_bytes_without_secrets_are_kept_as_they_are(data: bytes) -> None:
    if "[redacted:" not in (text := data.decode("utf-8", "surrogateescape")):
        assert SAFE.data(data) == SAFE.text(text).encode("utf-8", "surrogateescape")


# -- hostile texts ---------------------------------------------------------------------------------

FRAGMENTS = (
    "a|password=|://|ey|aws|x:|a-|a.|-----BEGIN PRIVATE KEY-----|x://:|x://a:@|aws secret |sk-"
    '|eyAAAAAAAA.|basic |bearer |password |"password": "|password=\'|<password>|?token=|-u a:'
    "|curl -u |machine a login b password |token: |key_|passwordpassword|AccountKey=|?sig=|hf_aaaa"
    "|12345678:AA|password=x ;|wandb key |--password |apikey-|[redacted:|-----BEGIN |api_key=a,"
    '|password\n|1234567890abcdef|M0123456789abcdefghijklmn.|\\"token\\":'
).split("|")


def cost(text: str, tries: int = 2) -> float:
    """Give the least processor time of some tries."""
    found = []
    for _ in range(tries):
        began = time.process_time()
        SAFE.text(text)
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize("end", ["(", ";"])
def test_no_text_costs_more_than_its_length(end: str) -> None:
    # Eight times the text is eight times the work, or 64 times where it is quadratic.
    for one in FRAGMENTS:
        short, long = ((one * (size // len(one) + 1))[:size] + end for size in (6000, 48000))
        assert cost(long) < 24 * max(cost(short), 0.0005), one


def test_a_megabyte_of_everything_hostile_is_gone_through() -> None:
    mixed = "".join((one * (3000 // len(one) + 1)) + "(\n" for one in FRAGMENTS)
    short, long = mixed[: 1 << 16], (mixed * 10)[: 1 << 20]
    assert cost(long, 1) < 48 * cost(short)


# -- what a project adds ---------------------------------------------------------------------------


def test_a_projects_own_patterns_and_names_go_and_allowed_names_stay() -> None:
    own = Redactor(
        KEY,
        Rules(patterns=(r"acme_[a-z0-9]{12}",), names=("pin", "*_phrase"), allow=("class_token",)),
    )
    assert own.text("see acme_0123456789ab there").startswith("see [redacted:own:")
    assert own.arguments(["--pin", "0000"]) == ("--pin", "0000")  # a number says nothing
    assert own.arguments(["--pin", "zero-zero"])[1].startswith("[redacted:value:")
    assert own.text('seed_phrase = "apple pear plum"').startswith('seed_phrase = "[redacted:value:')
    assert own.value("db.pin", "four words").startswith("[redacted:value:")
    assert own.value("class_token", "something") == "something"
    assert own.text("class_token=something") == "class_token=something"
    assert own.value("class_token", "ghp_" + MIXED[:36]).startswith("[redacted:github-token:")
    assert SAFE.value("class_token", "something").startswith("[redacted:value:")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("acme_[a-z", "no regular expression"),
        ("acme_[a-z0-9]+", "without an end"),
        ("acme_.*", "without an end"),
        ("(acme[0-9]{1,9}){2,8}", "repeats a group"),
        (r"(acme)\1", "looks back"),
        ("(?<=acme)[0-9]{8}", "looks back"),
        ("acme[a-z]{0,900}[a-z]{0,900}x", "too much open"),
        ("[0-9a-f]{40}", "names no 3 letters"),
        ("(acme_[0-9]{8})?", "matches nothing"),
        ("a?b?c?", "matches nothing"),
        ("(?:acme|x)[0-9]{9}", "names no 3 letters"),
    ],
)
def test_patterns_that_cant_be_used(pattern: str, why: str) -> None:
    assert why in complaint_about_pattern(pattern)


def test_patterns_that_can_be_used() -> None:
    for pattern in (
        "acme_[a-z0-9]{32}",
        "(?i)acme-(?P<secret>[0-9]{6,12})",
        "(?:acme|ajax)_[A-Z]{9}",
    ):
        assert complaint_about_pattern(pattern) == ""


def test_what_contradicts_itself_is_told() -> None:
    assert complaint_about(["acme_[0-9]{4}"], ["pin"], ["class_token"]) is None
    for patterns, names, allow, setting, words in [
        (["acme_[0-9]{4}", "acme_[0-9]{4}"], [], [], "patterns", "twice"),
        (["acme_[a-z]{4}"], [], ["acme_name"], "patterns", "`allow` says is no secret"),
        ([], ["pin"], ["PIN"], "allow", "`names` says"),
        ([], ["*_pin"], ["card_pin"], "allow", "`names` says"),
        ([], [], ["*"], "allow", "is no name"),
        ([], ["a b c"], [], "names", "is no name"),
    ]:
        found = complaint_about(patterns, names, allow)
        assert found is not None
        assert found[0] == setting
        assert words in found[1]


# -- what the programs that are watched ask about --------------------------------------------------


def test_words_that_are_redacted_are_always_asked_about() -> None:
    """The list stands in the hook and in the native library; both find more, never less."""
    planter = planted.Planter()
    kinds = [*planted.STRUCTURED, *planted.UNSTRUCTURED]
    telling = telling_of(HOOK)
    assert telling == telling_of(NATIVE)
    for kind in kinds * 3:
        text = planter.one(kind).text
        assert may_be_secret(text, telling), text
    for words in (
        ["sshpass", "-p", "x"],
        ["mysql", "-px"],
        ["ldapsearch", "-w", "x"],
        ["--dsn", "x"],
    ):
        assert may_be_secret(" ".join(words), telling), words
    for name in ("DB_PASS", "PGPASSWORD", "apiKey", "session_cookie", "X-Auth-Key", "AWS_SAS_URL"):
        assert SAFE.is_secret_name(name)
        assert may_be_secret(name, telling), name


PACKAGE = Path(redactor.__file__).parents[1] / "tracing"
HOOK = PACKAGE / "audit" / "hook" / "watch.py"
NATIVE = PACKAGE / "preload" / "native" / "programs.h"


def telling_of(source: Path) -> set[str]:
    text = source.read_text()
    if source.suffix == ".py":
        listed = re.search(r"TELLING = \((.*?)\)\.split", text, re.DOTALL)
        assert listed
        return set("".join(re.findall(r'b"(.*?)"', listed[1])).split())
    listed = re.search(r"TELLING\[\] = \{(.*?)NULL", text, re.DOTALL)
    assert listed
    return set(re.findall(r'"(.*?)"', listed[1]))


def may_be_secret(text: str, telling: set[str]) -> bool:
    run = re.search(r"[A-Za-z0-9_-]{20}", text)
    return run is not None or any(word in text.lower() for word in telling)
