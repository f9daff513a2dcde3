r"""Undoing one layer of escapes: `\n` and `\u00e9` of JSON and Python, `&quot;` of HTML, `%2F` of URLs."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from tacenda.masking._guard._decoder import Sink, StretchDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Unescaper", "unescaped"]

_ESCAPES = {
    rb"\\": rb"u(?P<utf16>[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)|x(?P<byte>[0-9a-fA-F]{2})|(?P<letter>[\\\"'/abfnrtv])",
    rb"%": rb"(?P<percent>[0-9a-fA-F]{2})",
    rb"&": rb"(?:#[xX](?P<hex>[0-9a-fA-F]{1,6})|#(?P<decimal>[0-9]{1,7})|(?P<name>amp|lt|gt|quot|apos));",
}
_ESCAPE = re.compile(b"|".join(b"%s(?:%s)" % escape for escape in _ESCAPES.items()))
# To see whether there are escapes at all: searching one byte with a look-ahead is a hundred times as fast.
_SIGNS = [(first[-1:], re.compile(b"%s(?=%s)" % (first, rest))) for first, rest in _ESCAPES.items()]
_LETTERS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
_NAMES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_PRINTABLE = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_LONGEST = 256
"""Escapes that belong together (`\\ud83d\\ude00`) are shorter. Bytes."""
_MOST, _SHORT = 1000, 6
"""How many escapes are noted, and of which length: no whole value is kept."""
# An escape that may go on in the next block: cut off itself, after backslashes (they count in pairs), or half a
# UTF-16 pair.
_OPEN = re.compile(
    rb"(?:(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2})?(?:\\(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?)?"
    rb"|%[0-9a-fA-F]?|&[#0-9a-zA-Z]{0,8})\Z"
)


def unescaped(data: bytes) -> bytes:
    r"""Return text with one layer of escapes undone.

    Example:
        >>> unescaped(rb'a\"b \u00e9 &lt;%20')
        b'a"b \xc3\xa9 < '
    """
    return _ESCAPE.sub(lambda escape: _PLAIN[escape[0]], data)


class Unescaper(StretchDecoder):
    """Undoes escapes in text; in binary data, bytes that look like escapes mean nothing."""

    def __init__(self, inner: Callable[[], Sink]) -> None:
        super().__init__(inner)
        self._sink = inner()
        self._rest = b""  # may end inside an escape

    def signs(self, data: bytes) -> bool:
        """Return whether this is mostly text and has escapes in it."""
        sample = data[:: max(len(data) // 4096, 1)]
        others = sample.translate(None, _PRINTABLE)
        text = 2 * len(others) < len(sample) or not others.translate(None, _BEYOND_ASCII)
        return text and any(first in data and sign.search(data) for first, sign in _SIGNS)

    def decode(self, data: bytes) -> None:
        """Take the next bytes of a stretch."""
        data = self._rest + data
        rest = _OPEN.search(data, max(len(data) - _LONGEST, 0))
        end = rest.start() if rest else len(data)
        self._sink.feed(unescaped(data[:end]))
        self._rest = data[end:]

    def end(self) -> None:
        """Finish a stretch: what is decoded next is unrelated to it."""
        self._sink.feed(unescaped(self._rest))
        self._sink.close()
        self._sink, self._rest = self._inner(), b""


def _plain(escape: re.Match[bytes]) -> bytes:
    kind, text = str(escape.lastgroup), escape[escape.lastgroup or 0]
    if kind == "utf16":
        return _utf8(bytes.fromhex(text.replace(b"\\u", b"").decode()).decode("utf-16-be", "surrogatepass"))
    if kind in ("byte", "percent"):
        return bytes.fromhex(text.decode())
    if kind == "letter":
        return bytes([_LETTERS.get(text[0], text[0])])
    if kind == "name":
        return _NAMES[text]
    code = int(text, 16 if kind == "hex" else 10)
    return _utf8(chr(code)) if code <= sys.maxunicode else escape[0]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class _Plain(dict[bytes, bytes]):
    """What escapes stand for, noted when they are first met: a text has many, and few different ones."""

    def __missing__(self, escape: bytes) -> bytes:
        found = _ESCAPE.fullmatch(escape)
        plain = _plain(found) if found else escape
        if len(self) < _MOST and len(escape) <= _SHORT:
            self[escape] = plain
        return plain


_PLAIN = _Plain()
