"""Undoing encodings that spell so many bytes with so many symbols: base64 and hex."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, NamedTuple

from tacenda.masking._guard._stretch import Sink, Stretch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["spelled"]


class Encoding(NamedTuple):
    """An encoding that spells a few bytes at a time.

    Attributes:
        group: how many symbols belong together.
        kinds: for each byte, what kind of symbol it is, in a letter.
        sign: these kinds in a row mean that something may be encoded.
        symbols: for each byte, the symbol it stands for; what is no symbol counts as `fill`.
        ignored: bytes that may stand anywhere between symbols.
        fill: a symbol that stands for zero.
        decode: from whole groups of symbols to bytes.
    """

    group: int
    kinds: bytes
    sign: bytes
    symbols: bytes
    ignored: bytes
    fill: bytes
    decode: Callable[[bytes], bytes]


def _table(letters: bytes, meanings: bytes, other: bytes) -> bytes:
    table = bytearray(other * 256)
    for letter, meaning in zip(letters, meanings, strict=True):
        table[letter] = meaning
    return bytes(table)


_DIGITS = b"0123456789"
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE64_SYMBOLS = _LETTERS + _DIGITS + b"+/-_"
_HEX_SYMBOLS = _DIGITS + b"abcdefABCDEF"

# 20 symbols: more than a number has digits. One layer of base64 alone the masker knows itself.
_BASE64 = Encoding(
    group=4,
    kinds=_table(_BASE64_SYMBOLS, b"x" * 66, b" "),
    sign=b"x" * 20,
    symbols=_table(_BASE64_SYMBOLS, _LETTERS + _DIGITS + b"+/+/", b"A"),  # base64url differs in two symbols
    ignored=b"\r\n",
    fill=b"A",
    decode=binascii.a2b_base64,
)
_HEX = Encoding(
    group=2,
    kinds=_table(_HEX_SYMBOLS, b"x" * 22, b" "),
    sign=b"x" * 24,
    symbols=_table(_HEX_SYMBOLS, _HEX_SYMBOLS, b"0"),
    ignored=b"\r\n",
    fill=b"0",
    decode=binascii.unhexlify,
)


def spelled(inner: Callable[[], Sink]) -> Sink:
    """Return what undoes base64, base64url and hex.

    Args:
        inner: makes what takes the decoded bytes.
    """
    return Encoded(_BASE64, inner, among=Encoded(_HEX, inner))  # hex digits are symbols of base64 too


class Encoded(Stretch):
    """Decodes whole stretches, once for each place in a group at which they may begin.

    So a run of symbols is decoded rightly in one of the ways wherever it begins, whatever stands before it.

    Args:
        encoding: the encoding.
        inner: makes what takes the decoded bytes.
        among: what undoes an encoding whose symbols are among those of this one: it need look nowhere else.
    """

    def __init__(self, encoding: Encoding, inner: Callable[[], Sink], among: Sink | None = None) -> None:
        super().__init__(inner)
        self._encoding = encoding
        self._among = among
        self._begin()

    def signs(self, data: bytes) -> bool:
        """Return whether there is a run of symbols."""
        return self._encoding.sign in data.translate(self._encoding.kinds)

    def decode(self, data: bytes) -> None:
        """Take the next bytes of a stretch."""
        encoding = self._encoding
        symbols = data.translate(encoding.symbols, encoding.ignored)
        for place, sink in enumerate(self._sinks):
            here = self._rest[place] + symbols
            whole = len(here) - len(here) % encoding.group
            sink.feed(encoding.decode(here[:whole]))
            self._rest[place] = here[whole:]
        if self._among:
            self._among.feed(data)

    def end(self) -> None:
        """Finish a stretch: the next one is another stream."""
        encoding = self._encoding
        for rest, sink in zip(self._rest, self._sinks, strict=True):
            sink.feed(encoding.decode(rest.ljust(encoding.group, encoding.fill)))
            sink.close()
        if self._among:
            self._among.close()
        self._begin()

    def _begin(self) -> None:
        group = self._encoding.group
        self._sinks = [self._inner() for _ in range(group)]
        self._rest = [self._encoding.fill * place for place in range(group)]
