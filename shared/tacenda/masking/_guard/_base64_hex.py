"""Decoding base64, base64url and hex, wherever in a stream they begin."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, NamedTuple

from tacenda.masking._guard._decoder import Sink, StretchDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["base64_and_hex"]


class Encoding(NamedTuple):
    """An encoding that writes a few bytes as a group of symbols.

    Attributes:
        group: how many symbols there are in a group.
        kinds: a translation table: `x` for a symbol, a space for any other byte.
        sign: data looks encoded if this many `x` stand in a row.
        symbols: a translation table: the symbol that `decode` knows; `fill` for what is no symbol.
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

# 20 symbols, because numbers have fewer digits. A shorter value in base64 is found without decoding: it is a variant.
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


def base64_and_hex(inner: Callable[[], Sink]) -> Sink:
    """Return a decoder of base64, base64url and hex.

    Args:
        inner: makes a sink for decoded bytes.
    """
    return GroupDecoder(_BASE64, inner, among=GroupDecoder(_HEX, inner))  # hex digits are base64 symbols too


class GroupDecoder(StretchDecoder):
    """Decodes a stretch once for each place in a group at which a run of symbols may begin.

    Whatever stands before a run, one of these decodings is right.

    Args:
        encoding: the encoding.
        inner: makes a sink for decoded bytes.
        among: a decoder that gets the same stretches, because all its symbols are symbols of this encoding too.
    """

    def __init__(self, encoding: Encoding, inner: Callable[[], Sink], among: Sink | None = None) -> None:
        super().__init__(inner)
        self._encoding = encoding
        self._among = among
        self._begin()

    def signs(self, data: bytes) -> bool:
        """Return whether there is a long run of symbols."""
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
        """Finish a stretch: what is decoded next is unrelated to it."""
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
