"""Text that came from outside, made safe and made to fit: escapes, widths, wrapping.

A name may hold anything that a file name can: escape sequences, newlines, characters that turn the
reading direction. `shown` writes them as escapes; nothing else here may be given raw text to print.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from functools import lru_cache

# Controls, line separators, direction overrides, invisible fillers, lone surrogates, tags.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# What our own sentences use beyond ASCII, for terminals that can't show it.
_ASCII = str.maketrans(
    {"«": '"', "»": '"', "“": '"', "”": '"', "’": "'", "‘": "'", "…": "...", "–": "-", "→": "->"}
    | {"·": "-", "×": "x", "←": "<-", "≥": ">=", "≤": "<="}
)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_safe(text: str) -> bool:
    """Tell whether text can go to a terminal as it is."""
    return _UNSAFE.search(text) is None


def shown(text: str, *, unicode: bool = True) -> str:
    r"""Escape what could move the cursor, hide or reorder text; `\\` itself is doubled."""
    text = text.replace("\\", "\\\\")
    if _UNSAFE.search(text):
        text = _UNSAFE.sub(lambda match: _escape(match[0]), text)
    return text if unicode else to_ascii(text)


def no_command(line: str) -> str:
    """Write a line so that a GitHub runner, which reads logs, takes no name in it for a command."""
    if line.lstrip().startswith("::"):
        line = line.replace("::", "\\x3a:", 1)
    return line.replace("##[", "#\\x23[")


def to_ascii(text: str) -> str:
    """Write text with ASCII only: our own punctuation by its likeness, the rest as escapes."""
    if text.isascii():
        return text
    text = text.translate(_ASCII)
    return "".join(c if c.isascii() else _escape(c) for c in text)


def shown_command(command: str, *, unicode: bool = True) -> str:
    """Show a shell command so that it can still be pasted: unsafe words become `$'…'`."""
    if is_safe(command) and (unicode or command.isascii()):
        return command
    try:
        words = shlex.split(command)
    except ValueError:
        return shown(command, unicode=unicode)
    return " ".join(_quoted(word, unicode) for word in words)


def _quoted(word: str, unicode: bool) -> str:
    if is_safe(word) and (unicode or word.isascii()):
        return shlex.quote(word)
    # What stands for a byte that isn't UTF-8 has to become that byte again.
    parts = re.split("([\udc80-\udcff])", word)
    said = [
        f"\\x{ord(part) - 0xDC00:02x}" if place % 2 else shown(part, unicode=unicode)
        for place, part in enumerate(parts)
    ]
    return "$'" + "".join(said).replace("'", "\\'") + "'"


@lru_cache(maxsize=2048)
def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def width_of(text: str) -> int:
    """Count the terminal cells that text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _head(text: str, width: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _cells(character)
        if used > width:
            return text[:position]
    return text


def _tail(text: str, width: int) -> str:
    used = 0
    for position in range(len(text) - 1, -1, -1):
        used += _cells(text[position])
        if used > width:
            # Marks belong to the character before them, which is cut: they go with it.
            kept = text[position + 1 :]
            return kept.lstrip("".join(c for c in kept if _cells(c) == 0)) if kept else kept
    return text


def shorten(text: str, width: int, *, dots: str = "…") -> str:
    """Cut text in the middle to fit, keeping more of its end (a file's name is there)."""
    if width_of(text) <= width:
        return text
    room = width - width_of(dots)
    if room < 2:
        return _head(text, width)
    head = _head(text, room // 3)
    return head + dots + _tail(text, room - width_of(head))


def clip(text: str, width: int, *, dots: str = "…") -> str:
    """Cut text at its end to fit."""
    if width_of(text) <= width:
        return text
    return _head(text, max(0, width - width_of(dots))).rstrip() + dots


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill text with spaces up to a width."""
    space = " " * max(0, width - width_of(text))
    return space + text if right else text + space


def wrap(text: str, width: int, *, later: int | None = None) -> list[str]:
    """Break text into lines of at most `width` cells, the second and further ones of `later`."""
    lines: list[str] = []
    line, room = "", max(1, width)
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if width_of(candidate) <= room:
            line = candidate
            continue
        if line:
            lines.append(line)
            line, room = "", max(1, later if later is not None else width)
        rest = word
        while width_of(rest) > room:
            piece = _break(rest, room)
            lines.append(piece)
            rest, room = rest[len(piece) :], max(1, later if later is not None else width)
        line = rest
    return [*lines, line] if line or not lines else lines


def _break(word: str, room: int) -> str:
    """Take the piece of a long word that fits, at a slash in its second half if there is one."""
    piece = _head(word, room) or word[0]
    slash = piece.rfind("/")
    return piece[: slash + 1] if slash >= len(piece) // 2 else piece


def fold_command(command: str, width: int) -> list[str]:
    r"""Break a command at spaces outside quotes, each line but the last ending in ` \\`."""
    words: list[str] = []
    word, quote, escaped = "", "", False
    for character in command:
        if character == " " and not quote and not escaped:
            words.append(word)
            word = ""
            continue
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        word += character
    words.append(word)
    lines: list[str] = []
    line = ""
    for word in words:
        candidate = f"{line} {word}" if line else word
        if line and width_of(candidate) > width - 2:
            lines.append(line + " \\")
            line = "    " + word
        else:
            line = candidate
    return [*lines, line]
