"""Reads secrets of a chain, once and then again for every line on standard input, and tells what came of each.

python report.py signing-key db-credentials api-keys
"""

import sys

import tacenda
import tacenda.masking
from tacenda.errors import SecretError


def outcome(name: str) -> object:
    """Return a secret, which is masked when it is printed, or what is wrong."""
    try:
        return tacenda.get(name)
    except SecretError as error:
        return f"{type(error).__name__}: {error.message}"


def main(names: list[str]) -> None:
    """Print one line a name, and an empty one."""
    tacenda.masking.install()
    while True:
        for name in names:
            print(f"{name}: {outcome(name)}", flush=True)
        print(flush=True)
        if not sys.stdin.readline():
            return


if __name__ == "__main__":
    main(sys.argv[1:])
