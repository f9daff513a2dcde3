"""A local file as a backend: JSON, YAML or dotenv, plain or encrypted by age; one file is one document."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import unquote

from tacenda._errors import ConfigurationError, Conflict, InvalidReference, SecretNotFound
from tacenda._values import Secret, SecretBytes, SecretInfo
from tacenda.providers._atomic_write import locked, remove_file, replace_file
from tacenda.providers._base import Capabilities, Document, Provider
from tacenda.providers._disk import file_mode, read_file
from tacenda.providers._local_age import decrypt, encrypt, load_identities
from tacenda.providers._local_dotenv import Dotenv
from tacenda.providers._local_formats import Json, Yaml, malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tacenda.providers._base import Change, Value
    from tacenda.providers._local_age import Identities
    from tacenda.providers._local_formats import Format

__all__ = ["LocalProvider"]

DEFAULT_FILES = (".secrets.json", ".env")
_FORMATS: Mapping[str, Format] = {".json": Json(), ".yaml": Yaml(), ".yml": Yaml(), ".env": Dotenv()}


class _File(NamedTuple):
    """One local file: where it really is, what it is called in messages, and how to read it."""

    path: Path
    shown: Path
    format: Format
    encrypted: bool


class LocalProvider(Provider):
    """Keeps secrets in one local file, whose top-level names are the secrets; an object in it is a bundle.

    The name of the file tells its format: `.json`, `.yaml` or `.yml`, `.env`; each with `.age` after it is
    encrypted. Writing keeps a dotenv file's comments and order, but loses a YAML file's comments.

    Args:
        settings: `path`, the file (default: `.secrets.json`, then `.env`); `identity`, the age key file.
        base: the directory that relative paths start at; `~` is the home directory.

    Raises:
        ConfigurationError: if the name of the file tells no format.
    """

    backend = "local"
    settings_help: ClassVar[Mapping[str, str]] = {
        "path": "the file: .json, .yaml, .yml or .env, with .age after it if encrypted (default: .secrets.json, .env)",
        "identity": "the age key file that opens an encrypted file, as age-keygen writes it",
    }
    document_setting = "path"
    capabilities = Capabilities(write=True, delete=True, list=True, update=True, create=True)

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        path = settings.get("path")
        if path is not None and _format(str(path)) is None:
            raise ConfigurationError(f"local: `path` {str(path)!r} has no format that is known", hint=_ENDINGS)

    # -- names ---------------------------------------------------------------------------------------

    def document(self) -> str:
        """Return the path of the file: the setting, or the default that exists."""
        path = self.settings.get("path")
        if path is None:
            found = (name for name in DEFAULT_FILES if file_mode(self.base / name) is not None)
            path = next(found, DEFAULT_FILES[0])
        return self.path_of(str(path))

    def describe(self) -> str:
        """Return the path of the file."""
        return f"the local file {unquote(self.document())}"

    # -- documents -----------------------------------------------------------------------------------

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a file's content, as a mapping.

        Raises:
            AccessDenied: if this user may not read the file, or no identity opens it.
            BackendUnavailable: if it cannot be read, or is damaged.
            ConfigurationError: if it is malformed, or the identity is missing.
            SecretNotFound: if there is no such file.
        """
        if version is not None:
            raise self.unsupported("keep versions")
        file = self._file(path)
        data = read_file(file.path)
        if data is None:
            raise _missing(file)
        return file.format.loads(self._text(file, data), str(file.shown))

    def write(
        self, path: str, value: Value, *, create: bool = False, tags: Mapping[str, str] | None = None
    ) -> SecretInfo:
        """Replace a whole file by a mapping of names to values; errors as `modify`."""
        if tags:
            raise self.unsupported("keep tags")
        new = Document(value)
        del value  # a traceback's local variables show the masked document alone

        def change(old: Document | None) -> Value:
            if create and old is not None:
                raise Conflict(f"{self._file(path).shown} exists already", name=path)
            return new.value

        return self.modify(path, change)

    def modify(self, path: str, change: Change) -> SecretInfo:
        """Change a file under its lock: all or nothing, mode 0600, a symlink followed.

        Raises:
            AccessDenied: if the file or its directory is read-only.
            BackendUnavailable: if the disk is full; the old content is intact then.
            Unsupported: if the format cannot hold a value exactly.
        """
        file = self._file(path)
        with locked(file.path):
            data = read_file(file.path)
            text = Secret() if data is None else self._text(file, data)
            document = None if data is None else file.format.loads(text, str(file.shown))
            changed = Document(change(document))
            new = SecretBytes(file.format.dumps(changed, text, str(file.shown)).encode("utf-8"))
            if file.encrypted:
                new = SecretBytes(encrypt(new, self._identities(file), data or b"", file.shown))
            replace_file(file.path, new)
        return SecretInfo(path, self.backend)

    def delete(self, path: str) -> None:
        """Remove a whole file; single names are removed by `modify`."""
        file = self._file(path)
        if file_mode(file.path) is None:
            raise _missing(file)
        with locked(file.path):
            remove_file(file.path)

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the names in the stack's file that start with a prefix."""
        with suppress(SecretNotFound):
            names = [*self.read(self.document()).value]
            yield from (SecretInfo(str(name), self.backend) for name in names if str(name).startswith(prefix))

    # -- checks --------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise if the file is there and cannot be read, decrypted and understood."""
        with suppress(SecretNotFound):
            self.read(self.document())

    def findings(self) -> Sequence[str]:
        """Return a sentence for each file that others can read, and for one that is not encrypted."""
        file = self._file(self.document())
        identity = self._identity_file() if file.encrypted else None
        found = [_open_to_others(path) for path in (file.path, identity) if path]
        if file_mode(file.path) is not None and not file.encrypted:
            found.append(f"{file.shown} is not encrypted: fit for development, not for production")
        return [sentence for sentence in found if sentence]

    # -- inside --------------------------------------------------------------------------------------

    def _file(self, path: str) -> _File:
        name = unquote(path)
        form = _format(name)
        if form is None or "\x00" in name:
            raise InvalidReference(f"{name!r} is not a local file of a format that is known", name=name, hint=_ENDINGS)
        shown = self._absolute(name)
        return _File(Path(os.path.realpath(shown)), shown, form, name.endswith(".age"))

    def _absolute(self, path: str) -> Path:
        return self.base / Path(path).expanduser()

    def _text(self, file: _File, data: SecretBytes) -> Secret:
        if file.encrypted:
            data = decrypt(data, self._identities(file), file.shown)
        try:
            return Secret(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
        raise malformed(str(file.shown), line, "this is not UTF-8 text")

    def _identity_file(self) -> Path | None:
        identity = self.settings.get("identity")
        return None if identity is None else self._absolute(str(identity))

    def _identities(self, file: _File) -> Identities:
        identity = self._identity_file()
        if identity is None:
            raise ConfigurationError(
                f"{file.shown} is encrypted, and no `identity` is set for the provider local",
                hint="name the age key file: `identity: ~/.config/age/key.txt`",
            )
        return load_identities(identity, self.protect)


_ENDINGS = "its name ends in .json, .yaml, .yml or .env, with .age after that if it is encrypted"


def _format(name: str) -> Format | None:
    plain = name.rpartition("/")[2].removesuffix(".age")
    by_ending = (form for ending, form in _FORMATS.items() if plain.endswith(ending))
    return next(by_ending, _FORMATS[".env"] if plain.startswith(".env.") else None)


def _missing(file: _File) -> SecretNotFound:
    return SecretNotFound(
        f"the file {file.shown} does not exist", name=str(file.shown), hint="`tacenda set NAME` creates it"
    )


def _open_to_others(path: Path) -> str | None:
    mode = stat.S_IMODE(file_mode(path) or 0)
    return f"{path} can be read by others (mode {mode:04o}): chmod 600 {path}" if mode & 0o077 else None
