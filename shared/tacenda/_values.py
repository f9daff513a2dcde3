"""What a resolved secret is in Python: `Secret`, `SecretBytes`, `SecretBundle`, and back again with `reveal`.

Only `repr` is masked. Everything a library does with a value (`==`, `str()`, f-strings, JSON, `isinstance`)
works on the real one, because a value that libraries refuse is a value people unwrap at once. Pickling is
refused: a pickle is a copy on disk that nobody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from tacenda._errors import SecretLeak, SecretNotFound, Unsupported

if TYPE_CHECKING:
    from tacenda._secret_file import SecretFile

__all__ = ["Secret", "SecretBundle", "SecretBytes", "SecretInfo", "exact_text", "leaves", "natural", "reveal", "wrap"]

MASK = "[masked]"


class _Guarded:
    """Refuses pickling, and copies as itself: the traits that all secret values share."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        kind = type(self).__name__
        raise SecretLeak(
            f"refused to pickle a {kind}: a pickle would keep the value in clear text",
            hint="pass the secret's name and read it again where it is needed, or call tacenda.reveal() on purpose",
        )

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


class _Stored(_Guarded):
    """Can be had as a file: the trait of what is, or could be, a secret of its own."""

    __slots__ = ()

    def as_file(self, name: str = "secret") -> SecretFile:
        """Write the secret to a private file, for libraries that take nothing but a path.

        The file holds the bytes, or the exact text as stored; for an object inside a secret its JSON. It is there
        until the `with` ends or `remove()` is called, else until the process has ended; see `SecretFile`.

        Args:
            name: the file's own name, where a library looks at it: `"key.json"`.

        Raises:
            InvalidReference: if the name is no file name.
            Unsupported: if there is no such file: binary keys, or characters that are none.
            SecretError: if it cannot be written.

        Example:
            >>> with SecretBundle({"type": "service_account"}).as_file("key.json") as path:
            ...     with open(path) as file:
            ...         file.read()
            '{"type": "service_account"}'
        """
        from tacenda._secret_file import write_secret_file

        return write_secret_file(self if isinstance(self, SecretBytes) else _exact_bytes(self), name)


class Secret(_Stored, str):
    """A text secret: a `str` whose `repr` is masked.

    Example:
        >>> token = Secret("example-token")
        >>> token
        <Secret [masked]>
        >>> f"Bearer {token}" == "Bearer example-token"
        True
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Secret {MASK}>"


class SecretBytes(_Stored, bytes):
    """A binary secret: a `bytes` whose `repr` is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<SecretBytes {MASK}>"

    def __str__(self) -> str:
        return bytes(self).__repr__()


def _read_only(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    kind = type(self).__name__
    raise TypeError(f"a {kind} is read-only: it is shared with the cache; dict() or list() gives a copy of your own")


class SecretBundle(_Stored, dict[str, Any]):
    """A secret with several keys: a read-only `dict` that also answers to attributes.

    Strings are `Secret`, objects are `SecretBundle`, arrays are read-only lists; JSON numbers, booleans and
    null keep their types. An attribute is a key with `-` and `.` read as `_`; case matters, and the names of
    `dict`'s own methods, and `as_file`, always mean the methods.

    Raises:
        SecretNotFound: for an unknown key (a `KeyError`), naming the keys there are.
        AttributeError: for an unknown attribute, or one that two keys answer to.

    Example:
        >>> keys = SecretBundle({"API_KEY": "example-key", "db-port": 5432})
        >>> keys["API_KEY"] == keys.API_KEY, keys.db_port
        (True, 5432)
        >>> keys
        <SecretBundle [masked] keys=['API_KEY', 'db-port']>
    """

    __slots__ = ("_name", "_text")
    _name: str
    _text: str | None

    def __init__(self, content: Mapping[str, Any], name: str = "this secret", text: str | None = None) -> None:
        super().__init__({key: wrap(value, f"{name}#{key}") for key, value in content.items()})
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_text", text)

    def __missing__(self, key: object) -> NoReturn:
        known = ", ".join(sorted(map(str, self))) or "none"
        raise SecretNotFound(f"{self._name} has no key {key!r}", hint=f"its keys are: {known}")

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") or attribute in SecretBundle.__slots__:
            raise AttributeError(attribute)
        matches = [key for key in self if key == attribute] or [
            key for key in self if key.replace("-", "_").replace(".", "_") == attribute
        ]
        if len(matches) == 1:
            return self[matches[0]]
        keys = ", ".join(map(repr, sorted(matches or self)))
        reason = "is ambiguous among the keys" if matches else "is none of the keys"
        raise AttributeError(f"{self._name}: attribute {attribute!r} {reason} {keys}")

    def __repr__(self) -> str:
        return f"<SecretBundle {MASK} keys={sorted(self)}>"

    __setitem__ = __delitem__ = __ior__ = __setattr__ = __delattr__ = _read_only
    clear = pop = popitem = setdefault = update = _read_only


class _SecretList(_Guarded, list[Any]):
    """A JSON array inside a bundle: a read-only `list`, so that nobody changes what the cache holds."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _read_only
    append = clear = extend = insert = pop = remove = reverse = sort = _read_only


class SecretInfo(NamedTuple):
    """What is known about a secret without its value.

    Attributes:
        name: the name or reference that was asked for; in a listing the name within the stack.
        backend: the backend's short name, such as `vault`.
        version: the resolved version, where the backend keeps versions.
        created: when this version was written, RFC 3339, where the backend tells.
        updated: when the secret was last changed, RFC 3339, where the backend tells.
        tags: the tags set with it, where the backend keeps tags.
    """

    name: str
    backend: str
    version: str | None = None
    created: str | None = None
    updated: str | None = None
    tags: Mapping[str, str] = {}


def wrap(value: Any, name: str = "this secret") -> Any:
    """Return a plain value as its secret type; numbers, booleans, None and secret types stay as they are."""
    if isinstance(value, _Guarded):
        return value
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, (bytes, bytearray)):
        return SecretBytes(value)
    if isinstance(value, Mapping):
        return SecretBundle(value, name)
    if isinstance(value, (list, tuple)):
        return _SecretList(wrap(item, name) for item in value)
    return value


def natural(value: Any, name: str = "this secret") -> Any:
    """Return a stored value as its natural type: text that is a JSON object becomes a `SecretBundle`.

    Example:
        >>> natural('{"PORT": 5432}').PORT
        5432
        >>> natural("12345")
        <Secret [masked]>
    """
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            content = json.loads(value)
            if isinstance(content, dict):
                return SecretBundle(content, name, value)
        except (ValueError, RecursionError):  # no JSON, or nested too deeply to be anybody's keys
            pass
    return wrap(value, name)


def reveal(value: Any) -> Any:
    """Return plain `str`, `bytes`, `dict` and `list` for secret values, recursively; other values as they are.

    Example:
        >>> reveal(SecretBundle({"API_KEY": "example-key", "ports": [1, 2]}))
        {'API_KEY': 'example-key', 'ports': [1, 2]}
    """
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, SecretBytes):
        return bytes(value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(reveal(item) for item in value)
    return value


def exact_text(value: Any) -> Secret:
    """Return the text that a value was read from; for a value that never was text, its JSON.

    Example:
        >>> str(exact_text(natural('{"a":  1}'))), str(exact_text(SecretBundle({"a": 1})))
        ('{"a":  1}', '{"a": 1}')
    """
    if isinstance(value, str):
        return value if isinstance(value, Secret) else Secret(value)
    if isinstance(value, SecretBundle) and value._text is not None:  # noqa: SLF001 - our own class
        return Secret(value._text)  # noqa: SLF001
    if any(isinstance(leaf, bytes) for _, leaf in leaves(value)):
        raise Unsupported("a secret with binary keys has no text", hint="use get(), which returns them as bytes")
    return Secret(json.dumps(reveal(value), ensure_ascii=False))


def _exact_bytes(value: Any) -> SecretBytes:
    text = exact_text(value)
    try:
        # What Python could not decode in an environment variable becomes the bytes that it was.
        return SecretBytes(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        pass  # not raised from there: that error holds the text
    raise Unsupported("a secret with half a surrogate pair in its text cannot be a file", hint="store it as binary")


def leaves(value: Any, key: str | None = None) -> Iterator[tuple[str | None, str | bytes]]:
    """Yield each text or bytes inside a value with the nearest key above it: what masking has to know."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, name)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item, key)
    elif isinstance(value, (str, bytes)):
        yield key, value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield key, json.dumps(value)
