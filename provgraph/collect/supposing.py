"""What if: `env:numpy=2.1`, `params.yaml#lr=0.1`, `data/a.csv=new.csv`, as changes to judge."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from provgraph.analysis.change import Target
from provgraph.analysis.selectors import Resolver
from provgraph.analysis.viewpoint import GONE, Content
from provgraph.collect import parts as cut
from provgraph.collect.columns import NoReader
from provgraph.collect.content import Contents
from provgraph.errors import CannotAnswer, UsageError
from provgraph.model.digests import ABSENT, content_digest, value_digest
from provgraph.model.names import path_of
from provgraph.model.parts import BYTES

_MACHINE = ("env:", "hardware:")
_GONE = ("", "absent")
GIVEN = "content given"


def supposed(
    text: str, resolver: Resolver, contents: Contents, *, where: Callable[[str], Path]
) -> Target:
    """Read `SELECTOR=VALUE` into the change it means. Raises UsageError, SelectorError.

    The value is a version, a config value as YAML writes it, `absent`, or for a whole file the
    path of one with the new content; `where` finds a path as typed.
    """
    selector, equals, value = text.partition("=")
    if not equals or not selector.strip():
        raise UsageError(
            f"«{text}» supposes nothing",
            hint="such as --if env:numpy=2.1, --if params.yaml#lr=0.1 or --if data.csv=new.csv",
        )
    target = resolver.target(selector.strip())
    value = value.strip()
    if not target.names:
        raise UsageError(
            f"{selector} is no file, key or package whose content can be supposed",
            hint="`provgraph impact` says what any change of it affects",
        )
    parts = {part for _, several in target.names for part in several}
    if parts:
        if selector.startswith(_MACHINE):
            wanted = ABSENT if value in _GONE else value_digest(value)
        else:
            wanted = _value_digest(value)
        content = _with_value(frozenset(parts), contents.forms(wanted))
        said = GIVEN
    elif value in _GONE:
        content, said = GONE, "deleted"
    else:
        if len(target.names) > 1:
            raise UsageError(
                f"{selector} is {len(target.names)} files, and {value} can be the content of one",
                hint="name one file",
            )
        content = _with_content(path_of(target.names[0][0]), where(value), contents)
        said = GIVEN
    return Target(
        selector=text,
        names=target.names,
        kinds=target.kinds,
        content=content,
        how=said,
    )


def deleted(selector: str, resolver: Resolver) -> Target:
    """Read a selector into the change of its files being gone."""
    target = resolver.target(selector)
    if not target.names or any(parts for _, parts in target.names):
        raise UsageError(
            f"{selector} is no file that could be deleted", hint="name a file or a directory"
        )
    return Target(
        selector=selector, names=target.names, kinds=target.kinds, content=GONE, how="deleted"
    )


def _value_digest(value: str) -> str:
    import yaml

    if value == "absent":
        return ABSENT
    try:
        return cut.value_digest_of(yaml.safe_load(value))
    except (yaml.YAMLError, cut.Unparsable) as error:
        raise UsageError(
            f"«{value}» is no value: {str(error).partition(chr(10))[0]}",
            hint="write it as YAML or JSON would: 0.1, true, text, [1, 2]",
        ) from error


def _with_value(parts: frozenset[str], forms: tuple[str, ...]) -> Content:
    return Content(
        only=parts,
        judge=lambda part, digest, _whole: digest in forms if part in parts else None,
    )


def _with_content(path: str, file: Path, contents: Contents) -> Content:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{os.fspath(file)} can't be read: {error.strerror or error}",
            hint="the new content is taken from a file, such as --if data.csv=new.csv",
        ) from error
    whole = content_digest(data)

    def judge(part: str, digest: str, recorded: str | None) -> bool:
        if recorded in contents.forms(whole):
            return True
        try:
            found = whole if part == BYTES else cut.part_digest(path, data, part)
        except NoReader as error:
            raise CannotAnswer(str(error), hint=error.hint) from error
        return digest in contents.forms(found)

    return Content(whole=whole, judge=judge)
