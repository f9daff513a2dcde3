"""A value as a whole in another encoding: base64, hex, UTF-16, UTF-32, Latin-1."""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_base64", "as_hex", "as_other_charsets", "as_utf16_and_utf32", "as_wrapped_base64", "decoded"]

_URLSAFE = bytes.maketrans(b"+/", b"-_")


def decoded(value: bytes) -> str | None:
    """Return a value as text; None if it is no UTF-8."""
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


def as_base64(value: bytes) -> Iterator[bytes]:
    """Base64 and base64url of a value that stands anywhere in longer data, and of a value with `echo`'s newline.

    How a value is written depends on how many bytes stand before it (0, 1 or 2, as base64 takes three at a time) and
    on what follows. There are three forms of each: without the characters that also hold bits of a neighbor, up to
    the end of the data, and with padding.
    """
    for before, start in ((0, 0), (1, 2), (2, 3)):
        text = b2a_base64(b"\0" * before + value, newline=False)
        bits = (before + len(value)) * 8
        for whole in (text, text.translate(_URLSAFE)) if b"+" in text or b"/" in text else (text,):
            yield whole[start : bits // 6]
            yield whole[start : -(-bits // 6)]
            yield whole[start:]
    yield b2a_base64(value + b"\n", newline=False)


def as_wrapped_base64(value: bytes) -> Iterator[bytes]:
    """Base64 of a value in lines of 76 characters (MIME, `base64`) and of 64 (PEM, `openssl`).

    Each line is a form too, so that indented lines (YAML) are found.
    """
    for data in (value, value + b"\n"):
        text = b2a_base64(data, newline=False)
        for width in (76, 64):
            if len(text) > width:
                lines = [text[start : start + width] for start in range(0, len(text), width)]
                yield from lines
                yield b"\n".join(lines)
                yield b"\r\n".join(lines)


def as_hex(value: bytes) -> Iterator[bytes]:
    """Hexadecimal digits in either case, without separators."""
    digits = value.hex()
    yield digits.encode()
    yield digits.upper().encode()


def as_utf16_and_utf32(value: bytes) -> Iterator[bytes]:
    """Two or four bytes a character: UTF-16 in both byte orders, and UTF-32 as in numpy's arrays of text."""
    if value.isascii():  # spares the import of a codec
        size = len(value)
        for width, place in ((2, 0), (2, 1), (4, 0)):
            wide = bytearray(width * size)
            wide[place::width] = value
            yield bytes(wide)
    elif text := decoded(value):
        for codec in ("utf-16-le", "utf-16-be", "utf-32-le"):
            yield text.encode(codec, "surrogatepass")


_CHARSETS = (
    ("latin-1", "strict"),
    ("cp1252", "strict"),
    ("latin-1", "replace"),  # `?` for what a charset lacks
    ("ascii", "replace"),
    ("ascii", "namereplace"),
    *((codec, "strict") for codec in ("iso8859-15", "iso8859-2", "cp1250", "cp1251", "koi8-r", "mac-roman", "cp850")),
    *((codec, "strict") for codec in ("shift_jis", "euc-jp", "gb18030", "big5", "euc-kr")),
    ("utf-8", "surrogateescape"),  # what Python reads as surrogates where it expects UTF-8
)


def as_other_charsets(value: bytes) -> Iterator[bytes]:
    """Text beyond ASCII as terminals, files and old programs write it where they do not use UTF-8."""
    text = None if value.isascii() else decoded(value)
    if text is not None:
        for codec, errors in _CHARSETS:
            try:
                form = text.encode(codec, errors)
            except UnicodeEncodeError:
                continue
            if errors != "replace" or form.count(b"?") * 2 < len(form):  # else it could stand for anything
                yield form
