"""How programs write a value in other characters altogether: base64, hex, and several bytes a character."""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_base64", "as_hex", "as_wide", "as_wrapped_base64", "decoded"]

_URLSAFE = bytes.maketrans(b"+/", b"-_")


def decoded(value: bytes) -> str | None:
    """Return the text that a value is; None for a binary one."""
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


def as_base64(value: bytes) -> Iterator[bytes]:
    """Base64 and base64url of a value after 0, 1 or 2 other bytes; and of a value that `echo` ended with a newline.

    Three forms each: inside more data, without the characters that hold bits of a neighbor; at the end of the
    data; at the end with padding.
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
    """Base64 of a value alone in lines: 76 as MIME and `base64` do, 64 as PEM and `openssl` do.

    Each line stands for itself too, so that indented lines (YAML) and other ends of line make no difference.
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
    """Hexadecimal digits in both cases; not in groups: who prints a hex dump wants to see it."""
    digits = value.hex()
    yield digits.encode()
    yield digits.upper().encode()


def as_wide(value: bytes) -> Iterator[bytes]:
    """Two or four bytes a character: UTF-16 in both byte orders, and UTF-32 as in numpy's arrays of text."""
    if value.isascii():  # no codec needs to be imported
        size = len(value)
        for width, place in ((2, 0), (2, 1), (4, 0)):
            wide = bytearray(width * size)
            wide[place::width] = value
            yield bytes(wide)
    elif text := decoded(value):
        for codec in ("utf-16-le", "utf-16-be", "utf-32-le"):
            yield text.encode(codec, "surrogatepass")
