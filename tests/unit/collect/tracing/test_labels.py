"""What a process is called in gaps: by its program, never by words that may hold secrets."""

from __future__ import annotations

import pytest

from provgraph.collect.tracing.audit.tree import label_of


@pytest.mark.parametrize(
    ("argv", "label"),
    [
        ("/usr/bin/cat secret", "cat"),
        ("/usr/bin/python3 tools/train.py --token secret", "train.py"),
        ("python3 -m pip --token secret", "python3 -m pip"),
        ("python3 -mpip secret", "python3 -m pip"),
        ("python3 -c secret", "python3 -c"),
        ("python3 -Bc secret", "python3 -c"),
        ("python3 -bIcsecret", "python3 -c"),
        ("python3 -X utf8 -IS train.py secret", "train.py"),
        ("python3 -Xutf8 -W ignore train.py secret", "train.py"),
        ("python3 --check-hash-based-pycs always train.py", "train.py"),
        ("python3 - secret", "python3 -"),
        ("python3 -i", "python3"),
    ],
)
def test_a_process_is_named_by_its_program(argv: str, label: str) -> None:
    assert label_of(argv.split()) == label


def test_nobody_is_named_nothing() -> None:
    assert label_of([]) == ""
