"""Files as a backend reads them: the whole content, and what an operating system's refusal means to a caller."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from tacenda._errors import AccessDenied, BackendUnavailable, SecretError
from tacenda._values import SecretBytes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["file_error", "file_mode", "read_file"]

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def file_error(error: OSError, attempt: str) -> SecretError:
    """Return our error for an operating system's, to be raised outside the `except` block.

    Args:
        error: what the operating system said.
        attempt: what was attempted, after "cannot", such as `read /etc/secrets/db`.
    """
    message = f"cannot {attempt}: {error.strerror or type(error).__name__}"
    if error.errno in _DENIED:
        return AccessDenied(message, hint="look at the owner and mode with `ls -ld` on the file and its directory")
    if error.errno in _FULL:
        return BackendUnavailable(f"{message}; what was there before is unchanged", hint="make room, then try again")
    return BackendUnavailable(message)


def read_file(path: Path) -> SecretBytes | None:
    """Return a file's content, or None if there is no such file.

    Raises:
        AccessDenied: if this user may not read it.
        BackendUnavailable: if it cannot be read for another reason.
    """
    try:
        return SecretBytes(path.read_bytes())
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        failure = file_error(error, f"read {path}")
    raise failure


def file_mode(path: Path) -> int | None:
    """Return the mode (kind and permissions) of what a path leads to, or None if there is nothing; errors as above."""
    try:
        return path.stat().st_mode
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        failure = file_error(error, f"look at {path}")
    raise failure
