"""Mounted files as a backend: a directory is a bundle, a file is text; as Kubernetes mounts them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Union

from tacenda._errors import BackendUnavailable, ConfigurationError, InvalidReference, SecretNotFound
from tacenda._reference import Reference
from tacenda._values import SecretInfo
from tacenda.providers._base import Capabilities, Document, Provider
from tacenda.providers._disk import file_error, file_mode, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tacenda._values import SecretBytes

__all__ = ["FilesProvider"]

DEFAULT_DIRECTORIES = ("/etc/secrets", "/etc/flyte/secrets")
"""Where flytekit's and Flyte 2's platforms mount secrets."""

Content = Union[str, bytes, "dict[str, Any]"]


class FilesProvider(Provider):
    """Reads secrets that a platform mounted as files, such as Kubernetes does.

    `get("db", "PASSWORD")` is the file `db/PASSWORD`; `get("db")` is the directory with all its files as a
    bundle, or the file `db` as text. Content is exact; what is no UTF-8 comes as bytes. Names that start with
    `..` are the mount's own. A bundle is read from one `..data` target: a rotation never mixes versions.

    Args:
        settings: `path`, the directory (default: `/etc/secrets`, then `/etc/flyte/secrets`); `file_prefix`,
            which each file's own name starts with, and no secret's.
        base: the directory that a relative `path` starts at; `~` is the home directory.
    """

    backend = "files"
    settings_help: ClassVar[Mapping[str, str]] = {
        "path": "the directory (default: /etc/secrets, then /etc/flyte/secrets)",
        "file_prefix": "what each file's name starts with, besides the secret's own name",
    }
    capabilities = Capabilities(list=True)

    def __init__(self, settings: Mapping[str, Any], base: Path) -> None:
        super().__init__(settings, base)
        path = settings.get("path")
        self._prefix = str(settings.get("file_prefix") or "")
        directories = DEFAULT_DIRECTORIES if path is None else [str(path)]
        self._roots = [base / Path(directory).expanduser() for directory in directories]

    def describe(self) -> str:
        """Return the directories."""
        return f"files in {' and '.join(map(str, self._roots))}"

    def read(self, path: str, version: str | None = None) -> Document:
        """Return a file's text or bytes, or a directory's files as a bundle.

        Raises:
            AccessDenied: if this user may not read it.
            InvalidReference: if the path, or a symlink on it, leads out of the directory.
            SecretNotFound: if there is no such file, or not even the directory.
        """
        if version is not None:
            raise self.unsupported("keep versions")
        parts = _parts(path)
        misses = []
        for root in self._roots:
            content = self._settled(root, parts)
            if content is not None:
                return Document(content)
            misses.append(f"{root}: {'no such file' if _is(stat.S_ISDIR, root) else 'the directory does not exist'}")
        raise SecretNotFound(
            f"there is no file {'/'.join(parts)!r} ({'; '.join(misses)})",
            name=path,
            hint="see that the secret is mounted here, and that `path` names the mount",
        )

    def list(self, prefix: str) -> Iterator[SecretInfo]:
        """Yield the files, and the directories as bundles, whose names start with a prefix.

        A bundle's own files are listed only when the prefix reaches into it, such as `db/`.

        Raises:
            SecretNotFound: if the directory that `path` names does not exist.
        """
        if "path" in self.settings and not _is(stat.S_ISDIR, self._roots[0]):
            raise SecretNotFound(f"the directory {self._roots[0]} does not exist")
        names = (name for root in self._roots for name in self._names(root, "", prefix, ()))
        seen: set[str] = set()
        for name in names:
            if name not in seen:
                seen.add(name)
                yield SecretInfo(name, self.backend)

    def check(self) -> None:
        """Raise if the directory that `path` names does not exist or cannot be listed."""
        if "path" in self.settings:
            root = self._roots[0]
            if not _is(stat.S_ISDIR, root):
                raise ConfigurationError(f"files: `path` {root} is not a directory", hint="name the mount's directory")
            _entries(root)

    # -- inside --------------------------------------------------------------------------------------

    def _settled(self, root: Path, parts: Sequence[str]) -> Content | None:
        """Return what is there, all of it from one version of a mount; None if nothing is."""
        for _ in range(2):
            target = self._target(root, parts)
            content = None if target is None else self._content(root, target)
            if self._target(root, parts) == target:
                return content
        raise BackendUnavailable(f"{'/'.join(parts)!r} in {root} was replaced twice while it was read", retry_for=10.0)

    def _target(self, root: Path, parts: Sequence[str]) -> Path | None:
        folder = root.joinpath(*parts[:-1])
        path = folder / (self._prefix + parts[-1])
        if self._prefix and not _is(stat.S_ISREG, path):
            path = folder / parts[-1]
            if not _is(stat.S_ISDIR, path):
                return None
        return _current(root, path)

    def _content(self, root: Path, target: Path) -> Content | None:
        if _is(stat.S_ISDIR, target):
            files = {name: read_file(_inside(root, file)) for name, file in self._files(_entries(target))}
            # A folder without files is only a part of other secrets' names.
            return {name: _exact(data) for name, data in files.items() if data is not None} or None
        if not _is(stat.S_ISREG, target):
            return None
        data = read_file(target)
        return None if data is None else _exact(data)

    def _files(self, entries: Iterable[Path]) -> Iterator[tuple[str, Path]]:
        """Yield the name, without the prefix, and the path of each secret among a directory's entries."""
        for entry in entries:
            if entry.name.startswith(self._prefix) and _is(stat.S_ISREG, entry):
                yield entry.name.removeprefix(self._prefix), entry

    def _names(self, root: Path, folder: str, prefix: str, above: tuple[Path, ...]) -> Iterator[str]:
        place = _current(root, root / folder)
        if place in above:  # a symlink leads back up
            return
        entries = [entry for entry in _entries(place) if _is_below(root, Path(os.path.realpath(entry)))]
        if not folder or prefix.startswith(folder):
            names = (folder + name for name, _ in self._files(entries))
            yield from (name for name in names if name.startswith(prefix))
        for entry in entries:
            name = folder + entry.name
            if (name.startswith(prefix) or prefix.startswith(f"{name}/")) and _is(stat.S_ISDIR, entry):
                if name.startswith(prefix) and any(self._files(_entries(_current(root, entry)))):
                    yield name
                yield from self._names(root, f"{name}/", prefix, (*above, place))


def _parts(path: str) -> list[str]:
    parts = Reference("files", path).segments()
    for part in parts:
        if not part or part == "." or part.startswith("..") or "/" in part or "\x00" in part:
            raise InvalidReference(
                f"{'/'.join(parts)!r} cannot be a mounted file: {part!r} is no name of a file",
                name=path,
                hint="a name is a relative path without '..', such as db/PASSWORD",
            )
    return parts


def _current(root: Path, path: Path) -> Path:
    """Return the real path of a file or directory: in a mount that rotates, of the version that is current.

    Kubernetes writes a new version beside the old one and turns the symlink `..data` to it at once.
    """
    target = _inside(root, path)
    data = target / "..data"
    return _inside(root, data) if _is(stat.S_ISDIR, data) else target


def _inside(root: Path, path: Path) -> Path:
    real = Path(os.path.realpath(path))
    if not _is_below(root, real):
        raise InvalidReference(f"{path} leads out of {root}", name=str(path), hint="its symlinks must stay within it")
    return real


def _is_below(root: Path, real: Path) -> bool:
    return real.is_relative_to(os.path.realpath(root))


def _is(kind: Callable[[int], bool], path: Path) -> bool:
    """Return whether a path is there and of a kind, raising if that cannot be told."""
    mode = file_mode(path)
    return mode is not None and kind(mode)


def _entries(directory: Path) -> list[Path]:
    """Return a directory's entries by name, without the mount's own; none if it is not there."""
    try:
        return sorted(entry for entry in directory.iterdir() if not entry.name.startswith(".."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        failure = file_error(error, f"list {directory}")
    raise failure


def _exact(data: SecretBytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return bytes(data)
