"""The labelled corpus: lines with secrets of every kind, and lines that only look like it.

Made by rule, the same each time. The structured kinds are those of tests/support/planted.py.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.planted import STRUCTURED, UNSTRUCTURED, Planter

SHAPED, NAMED, WORDS, BENIGN = "by shape", "by name, random", "by name, words", "benign"
FILES = {  # where people write such a thing
    "env-line": "env",
    "yaml-line": "yaml",
    "json-pair": "json",
    "python-assignment": "py",
    "python-keyword": "py",
    "toml-line": "toml",
    "ini-line": "ini",
    "camel-case": "json",
    "markup": "xml",
}
_WORDS = (
    "sunshine dragon monkey shadow master purple orange summer winter flower silver tiger"
    " cookie pepper ginger banana rabbit thunder hammer falcon"
).split()
_BENIGN = {
    "counts of tokens": "num_tokens={d3} max_new_tokens: {d4} --max-tokens {d3}",
    "token names": 'tokenizer = "bert-{d2}"; pad_token = "[PAD]"; eos_token = "<|endoftext|>"',
    "layers": "model.token_embedding.weight decoder.key_proj.bias h.{d1}.attn.c_attn.weight",
    "columns": 'password_column = "pwd_hash"; sort_key = "species"; primary_key: id_{d3}',
    "git hashes": "commit {h40} (parent {h40})",
    "git hashes, quoted": 'commit = "{h40}"',
    "digests": "b3:{h64} sha256:{h64} md5 {h32}",
    "digests, quoted": 'checksum: "{h64}"',
    "uuids": 'run_id = "{uuid}"',
    "ulids": "run:01M8{U22} run:01M9{U22}",
    "dataset ids": 'dataset = "openml-{d5}"; doi:10.5281/zenodo.{d7}; kaggle/lab-{d4}',
    "dataset ids, long": "ENSG{d11} SRR{d8} GSM{d7} PXD{d6} 1a2b-{a8}",
    "wandb ids": "wandb: Run {a8} entity/project/runs/{a8}",
    "orcids": "https://orcid.org/0000-000{d1}-{d4}-{d4}",
    "versions": "numpy==2.{d1}.{d1} torch 2.{d1}.{d1}+cu12{d1} glibc2.3{d1}",
    "s3 places": "s3://lab-bucket/openml-{d5}/v{d1}/part-{d5}.parquet gs://lab/{a12}.npz",
    "images in base64": "data:image/png;base64,iVBORw0KGgo{B96}",
    "urls": "https://lab.example/data?page={d1}&sort=key&id={a16} git@git.example:lab/repo.git",
    "authors": 'author = "Ana Keyes"; authority: "passenger pigeon {d2}"; key signature: C{d1}',
    "file names": 'open("secret_santa_{d4}.csv"); keypoints_{d3}.json; passwords_study.csv',
    "python code": "token = tokens[{d1}]; password = getpass.getpass(); secret = None",
    "python types": "def login(password: str, token: TokenType, key: bytes = b'') -> None: ...",
    "lookups": "api_key = os.environ['API_KEY']; token: ${{ secrets.T }}; PASSWORD=$PASSWORD",
    "help texts": 'click.option("--password", help="Asked for where it is missing")',
    "prose": "The basic training of bearer authentication; a password must be set.",
    "optimizer": "adam_w_{d1}e-{d1} key=lambda row: row[{d1}] lr=0.{d4} seed={d8}",
    "slurm": "JobId={d8} StepId={d8}.batch gpu:a100:{d1} node-{d3}",
    "experiment names": "sk-learn-experiments-20{d2}-with-a-long-name key-value-memory-{d3}",
    "hydra": "outputs/2026-{d2}-{d2}/{d2}-{d2}-{d2}/.hydra/config.yaml +model.key_dim={d2}",
    "numbers": "password_length: {d2}; token_count = {d6}; secret_dim={d2}",
}
_WORDED = {
    "env-line": "DB_PASSWORD={w}",
    "yaml-line": "  password: {w}",
    "json-pair": '{"user": "ana", "password": "{w}"}',
    "python-assignment": 'password = "{w}"',
    "python-keyword": "connect(host='db', password='{w}')",
    "ini-line": "password = {w}",
    "flag": "mysql --password={w} lab",
    "dsn": "postgresql://ana:{w}@db.example/lab",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A line, or a few, and the secret in it; a benign one has none."""

    group: str
    kind: str
    suffix: str
    text: str
    secret: str = ""


def corpus(each: int) -> list[Case]:
    """Make so many cases of each kind."""
    return [*_secrets(each), *_benign(each)]


def _secrets(each: int) -> Iterator[Case]:
    planter, chance = Planter(7), random.Random(7)
    for kind in STRUCTURED:
        for turn in range(each):
            one = planter.one(kind)
            if "\n" in one.text:
                yield Case(SHAPED, kind, "txt", one.text, one.secret)
            elif turn % 2:
                yield Case(SHAPED, kind, "py", f'value = "{one.text}"', one.secret)
            else:
                yield Case(SHAPED, kind, "sh", f"use {one.text}", one.secret)
    for kind in UNSTRUCTURED:
        for _ in range(each):
            one = planter.one(kind)
            yield Case(NAMED, kind, FILES.get(kind, "sh"), one.text, one.secret)
    for kind, recipe in _WORDED.items():
        for _ in range(each):
            secret = "".join(chance.sample(_WORDS, 2)) + chance.choice(["", "1", "99", "!"])
            yield Case(WORDS, kind, FILES.get(kind, "sh"), recipe.replace("{w}", secret), secret)


def _benign(each: int) -> Iterator[Case]:
    planter, chance = Planter(8), random.Random(8)
    for kind, recipe in _BENIGN.items():
        for _ in range(each):
            text = recipe.replace("{uuid}", str(uuid.UUID(int=chance.getrandbits(128), version=4)))
            yield Case(BENIGN, kind, "py" if '"' in text else "txt", planter.filled(text))
