"""Which exit code an error means: scripts tell missing from denied from unavailable by it."""

from __future__ import annotations

from tacenda._errors import AccessDenied, BackendUnavailable, SecretError, SecretNotFound, Throttled

__all__ = ["INTERRUPTED", "NOT_EXECUTABLE", "NOT_FOUND", "exit_code", "shell_code"]

NOT_EXECUTABLE, NOT_FOUND, INTERRUPTED = 126, 127, 130
"""What shells use for a command that cannot be run, one that does not exist, and Ctrl-C."""

_CODES = ((SecretNotFound, 3), (AccessDenied, 4), (BackendUnavailable, 5), (Throttled, 5))


def exit_code(error: SecretError) -> int:
    """Return the exit code of an error: 3 missing, 4 denied, 5 throttled or unavailable, 1 any other.

    Example:
        >>> exit_code(SecretNotFound("there is no secret 'db'")), exit_code(SecretError("broken"))
        (3, 1)
    """
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)


def shell_code(returncode: int) -> int:
    """Return the exit code that shells give a program: 128 and the signal's number if it was killed.

    Args:
        returncode: as `subprocess` has it, negative if the program was killed.

    Example:
        >>> shell_code(3), shell_code(-15)
        (3, 143)
    """
    return returncode if returncode >= 0 else 128 - returncode
