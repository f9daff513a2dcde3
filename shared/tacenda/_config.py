"""Finding and reading the configuration: `tacenda.yaml`, `[tool.tacenda]` in pyproject.toml, or `flowyml.yaml`.

The search goes from the working directory upwards and ends at the first match, at `.git`, at $HOME or at a
mount boundary. A file that others could have planted is refused: it would send a Vault token where they like.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tacenda._active import TACENDA_STACK, orchestrators_stack
from tacenda._errors import ConfigurationError, MissingDependency
from tacenda._registry import did_you_mean
from tacenda._stack import Stack, stack_from_mapping

__all__ = [
    "NO_FILE",
    "TACENDA_CONFIG",
    "TACENDA_STACK",
    "Configuration",
    "find_configuration",
    "from_mapping",
    "load_file",
    "working_directory",
]

TACENDA_CONFIG = "TACENDA_CONFIG"
"""The environment variable that names the configuration file."""

_FILES = ("tacenda.yaml", "pyproject.toml", "flowyml.yaml")
NO_FILE = "no configuration file (env, then files)"
"""What messages say of the stack that serves where there is no file."""
_DEFAULT = "default"
_TOP_LEVEL = ("default_stack", "stacks")


class Configuration(NamedTuple):
    """A configuration as it was read.

    Attributes:
        stacks: each stack's name and its raw settings.
        default_stack: the stack that serves when none is named.
        base: the directory that relative paths start at.
        source: the file, or `open_store(config=…)`, for messages.
        path: the file; None when there is none.
        credentials: whether entries may hold credentials (a mapping given in code).
        foreign: whether others' keys stand beside ours (`flowyml.yaml`).
    """

    stacks: Mapping[str, Any]
    default_stack: str | None
    base: Path
    source: str
    path: Path | None = None
    credentials: bool = False
    foreign: bool = False

    def stack(self, name: str | None = None) -> Stack:
        """Return the stack with a name, or the one that serves by default.

        Raises:
            ConfigurationError: if there is no such stack, or none is named and several could serve.
        """
        theirs = orchestrators_stack()
        chosen = name or (theirs if theirs in self.stacks else None) or self.default_stack or self._lone()
        if chosen not in self.stacks:
            raise ConfigurationError(
                f"{self.source}: there is no stack {chosen!r}{did_you_mean(chosen, self.stacks)}",
                hint=f"the stacks are: {', '.join(self.stacks) or 'none'}",
            )
        return stack_from_mapping(
            chosen, self.stacks[chosen], self.base, self.source, credentials=self.credentials, foreign=self.foreign
        )

    def _lone(self) -> str:
        if len(self.stacks) == 1:
            return next(iter(self.stacks))
        raise ConfigurationError(
            f"{self.source}: there are several stacks and no default: {', '.join(self.stacks)}",
            hint=f"set `default_stack`, or choose one with {TACENDA_STACK}",
        )


def find_configuration(start: Path | None = None) -> Configuration:
    """Return the configuration that holds in a directory; without any file, one stack on env and files.

    Args:
        start: where the search begins; the working directory if None.

    Raises:
        ConfigurationError: if the file cannot be trusted, read or understood.
    """
    named = os.environ.get(TACENDA_CONFIG)
    if named:
        return load_file(Path(os.path.expanduser(named)), trusted=True)
    directory = working_directory() if start is None else Path(start)
    for folder in _search_path(directory):
        for name in _FILES:
            path = folder / name
            if os.path.isfile(path) and (name == "tacenda.yaml" or _mentions_us(path)):  # see _search_path
                return load_file(path)
    return Configuration({_DEFAULT: None}, _DEFAULT, directory, NO_FILE)


def load_file(path: Path, *, trusted: bool = False) -> Configuration:
    """Return what a configuration file says.

    Args:
        path: `*.yaml`, `*.yml` or `*.toml`; or `*.json`, a stack's snapshot, which says where relative paths start.
        trusted: skip the check of owner and mode, because the user named this very file.
    """
    if not trusted:
        _refuse_planted(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        named = str(path) == os.path.expanduser(os.environ.get(TACENDA_CONFIG, ""))
        hint = f"{TACENDA_CONFIG} names it; correct or unset that" if named else "look at its path and mode"
        raise ConfigurationError(f"cannot read the configuration file {path}: {reason}", hint=hint) from None
    base = path.parent.absolute()
    if path.suffix == ".toml":
        content = _parse_toml(text, path).get("tool", {}).get("tacenda", {})
    elif path.suffix == ".json":
        content = _parse_json(text, path)
        if isinstance(content, dict):
            base /= str(content.pop("base", ""))
    else:
        content = _parse_yaml(text, path)
    return _configuration(content, base, str(path), path=path, foreign=path.name.startswith("flowyml"))


def from_mapping(content: Mapping[str, Any]) -> Configuration:
    """Return the configuration in a mapping given in code.

    Unlike a file it may hold credentials, and `base`, the directory that relative paths start at, if that is not
    the working directory.
    """
    ours = {key: value for key, value in content.items() if key != "base"}
    base = Path(content.get("base") or working_directory())
    return _configuration(ours, base, "open_store(config=…)", credentials=True)


def working_directory() -> Path:
    """Return the working directory.

    Raises:
        ConfigurationError: if somebody has removed it.
    """
    try:
        return Path.cwd()
    except OSError as error:
        reason = error.strerror
    raise ConfigurationError(f"cannot tell the working directory: {reason}", hint="go to one that exists")


def _configuration(content: Any, base: Path, source: str, **flags: Any) -> Configuration:
    if content is None:
        content = {}
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{source}: the top level must be a mapping with `stacks`")
    unknown = [key for key in content if key not in _TOP_LEVEL]
    if unknown and not flags.get("foreign"):
        raise ConfigurationError(
            f"{source}: `{unknown[0]}` is not a setting{did_you_mean(str(unknown[0]), _TOP_LEVEL)}",
            hint=f"the top level has: {', '.join(_TOP_LEVEL)}",
        )
    stacks = content.get("stacks") or {}
    default = content.get("default_stack")
    if not isinstance(stacks, Mapping) or not (default is None or isinstance(default, str)):
        raise ConfigurationError(
            f"{source}: `stacks` must be a mapping of names to stacks, `default_stack` a name",
            hint="for example `stacks: {dev: {secrets: {provider: env}}}`",
        )
    named = {str(name): raw for name, raw in stacks.items()} or {_DEFAULT: None}
    return Configuration(named, default, base, source, **flags)


def _search_path(start: Path) -> list[Path]:
    folders = []
    home = Path(os.path.expanduser("~"))  # "~" itself where a container's numeric user has none; Path's raises
    ends = (home, home.resolve())  # the working directory has no symbolic links in it, HOME may have
    folder = start.absolute()
    while True:
        folders.append(folder)
        # os.path, because a parent that this user may not look into is an error to pathlib.
        git = os.path.exists(folder / ".git")
        if git or folder in ends or os.path.ismount(folder) or folder == folder.parent:
            return folders
        folder = folder.parent


def _mentions_us(path: Path) -> bool:
    # Other people's files: parsed only if they may hold a section of ours.
    section = r"\s*\[?\s*tool\s*\.\s*tacenda(?![\w-])" if path.suffix == ".toml" else r"stacks\s*:"
    try:
        return re.search(f"(?m)^{section}", path.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _refuse_planted(path: Path) -> None:
    if not hasattr(os, "getuid"):  # Windows has no such modes
        return
    status = path.stat()
    if {status.st_uid, path.lstat().st_uid} - {os.getuid(), 0}:  # of the file, and of a symbolic link to it
        reason = "belongs to another user"
    elif status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid != os.getgid()):
        reason = "can be written by others"
    else:
        return
    raise ConfigurationError(
        f"refused the configuration file {path}: it {reason}, and it decides where credentials are sent",
        hint=f"chown or chmod it, or name it on purpose with {TACENDA_CONFIG}",
    )


def _parse_yaml(text: str, path: Path) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:  # tacenda came without what it requires, as in the code package of a Metaflow step
        raise MissingDependency(
            f"{path} is YAML, and the package pyyaml is not installed", name="yaml", hint="pip install pyyaml"
        ) from None
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        # Besides its own errors, what PyYAML lets through for values such as 2024-99-99 or `!!bool maybe`.
        mark = getattr(error, "problem_mark", None)
        # What is missing at the end of the text is reported for the line after the last.
        line = f", line {min(mark.line + 1, len(text.splitlines()))}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
    raise ConfigurationError(
        f"{path}{line}: malformed YAML: {problem}", hint="look at the brackets, quotes and indentation up to that line"
    )


def _parse_json(text: str, path: Path) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        problem = str(error)
    raise ConfigurationError(f"{path}: malformed JSON: {problem}")


def _parse_toml(text: str, path: Path) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
    raise ConfigurationError(f"{path}: malformed TOML: {problem}")
