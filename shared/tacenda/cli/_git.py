"""Secret files that git tracks, or would take with the next `git add .`: warnings of `tacenda check`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tacenda.providers import Provider

__all__ = ["exposed_files", "plain_file", "secret_files"]

# What tools keep secrets in.
_PATTERNS = (".env", ".env.*", "*.env", ".secrets.*", "*.tfvars", "*.tfvars.json", "*.agekey", "age-key.txt")
# Templates, which are meant to be committed; what is encrypted; and lock files, which are empty.
_HARMLESS = (".example", ".sample", ".template", ".dist", ".age", ".lock")
# Nothing of our environment but what finds git and its settings: it holds secrets, and perhaps another GIT_DIR.
_KEPT = ("HOME", "PATH", "SYSTEMROOT", "USERPROFILE", "XDG_CONFIG_HOME")


def exposed_files(directory: Path, files: Iterable[Path]) -> list[str]:
    """Return a sentence for each secret file that git tracks or does not ignore.

    Args:
        directory: searched, with everything below it, for the usual secret files.
        files: secret files besides, such as those of the stack.
    """
    wanted = {directory: [f":(glob)**/{pattern}" for pattern in _PATTERNS]}
    for file in files:
        wanted.setdefault(file.parent, []).append(f":(literal){file.name}")
    places = [place for place in wanted if any((above / ".git").exists() for above in (place, *place.parents))]
    if places and which("git") is None:
        return ["git is not installed, so nobody has looked whether it tracks or ignores the secret files here"]
    return list(dict.fromkeys(sentence for place in places for sentence in _exposed(place, wanted[place])))


def secret_files(provider: Provider) -> list[Path]:
    """Return the files of a provider that must not be committed: plain secrets, and the key that opens the others."""
    identity = provider.settings.get("identity")
    key_file = None if identity is None else provider.base / Path(str(identity)).expanduser()
    return [file for file in (plain_file(provider), key_file) if file]


def plain_file(provider: Provider) -> Path | None:
    """Return the file in which a provider keeps secrets unencrypted, if it does."""
    document = provider.document() if provider.backend == "local" else None
    if document is None or document.endswith(".age"):
        return None
    return provider.base / Path(unquote(document)).expanduser()


def _exposed(directory: Path, patterns: Sequence[str]) -> Iterator[str]:
    tracked = _git_files(directory, "--cached", patterns)
    visible = _git_files(directory, "--others", patterns)
    if tracked is None or visible is None:
        yield f"git could not say which files it tracks in {directory}"
        return
    for file in tracked:
        yield f"{file} is tracked by git: `git rm --cached` it, and change the secrets that were in it"
    for file in visible:
        yield f"{file} is not ignored by git: add it to .gitignore"


def _git_files(directory: Path, kind: str, patterns: Sequence[str]) -> list[Path] | None:
    # A repository's own settings may name a program to run (fsmonitor); looking must not start it.
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--exclude-standard", kind, "--", *patterns]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=False)  # noqa: S603 - fixed
    if done.returncode:
        return None
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [directory / name for name in names if not name.endswith(_HARMLESS)]
