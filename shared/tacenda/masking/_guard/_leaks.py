"""The names of the secrets in something that is about to be persisted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tacenda._errors import SecretLeak
from tacenda.masking._registry import registry

if TYPE_CHECKING:
    from tacenda.masking._engine import Masker

__all__ = ["find_leaks", "refuse_leaks"]


def find_leaks(data: object, *, masker: Masker | None = None) -> list[str]:
    """Return the names of the registered secrets that something about to be persisted holds, never their values.

    Text and bytes (a pickle, JSON, HTML) are searched as they are, any other object as it would be pickled. Objects
    that refuse to be pickled are taken apart, and no generator is run. Up to four layers are undone: gzip, zlib, bz2,
    xz and zip; base64, base64url and hex; JSON, HTML, percent and Python escapes. Data is searched in pieces of
    1 MiB and never copied as a whole.

    Not found is a value that is encrypted, hashed, compressed in another way (zstd, snappy, lz4), or changed:
    reversed, in other letter case, cut into pieces. It stops accidents, not intent.

    Args:
        data: what is to be persisted.
        masker: whose secrets to look for; by default those of this process.

    Returns:
        The names, sorted, each once.

    Raises:
        SecretLeak: if an object is nested too deeply to be searched.

    Example:
        >>> from tacenda.masking import Masker
        >>> masker = Masker()
        >>> masker.add("example-token", name="api-keys#TOKEN")
        >>> find_leaks({"header": ["Bearer example-token"]}, masker=masker)
        ['api-keys#TOKEN']
        >>> find_leaks(b"nothing of that kind", masker=masker)
        []
    """
    masker = registry() if masker is None else masker
    if not len(masker):
        return []
    from tacenda.masking._guard._persisted import pieces
    from tacenda.masking._guard._scan import Scanner

    scanner = Scanner(masker)
    pieces(data, scanner.feed)
    scanner.close()
    return sorted(scanner.found)


def refuse_leaks(data: object, what: str, *, masker: Masker | None = None) -> None:
    """Raise if something about to be persisted holds a registered secret: for adapters, before they save it.

    Args:
        data: as for `find_leaks`.
        what: what a user calls it, such as `artifact 'model'`.
        masker: as for `find_leaks`.

    Raises:
        SecretLeak: names `what` and the secrets.
    """
    if names := find_leaks(data, masker=masker):
        raise SecretLeak(
            f"{what} holds the value of {', '.join(map(repr, names))} and is not saved",
            hint="save the secret's name instead of its value, and read the secret again where it is needed",
        )
