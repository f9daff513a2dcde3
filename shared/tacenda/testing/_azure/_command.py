"""`python -m tacenda.testing.azure`: a double for another process, another language, or a container."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from tacenda.testing._azure._logins import LOGINS
from tacenda.testing._program import ending, exports, started

__all__ = ["serve"]


class _Double(Protocol):
    url: str

    def environment(self, login: str) -> dict[str, str]: ...
    def close(self) -> None: ...


def serve(start: Callable[..., _Double], arguments: Sequence[str] | None = None) -> None:
    """Start a double, say how to use it, and stop it on Ctrl-C.

    Args:
        start: makes the double.
        arguments: of the command line, those of this process if None.
    """
    options = _parser().parse_args(arguments)
    wait = ending()
    with closing(started(lambda: start(**_settings(options)), options.host)) as double:
        print(_advice(double.url, double.environment(options.login)), flush=True)  # noqa: T201
        wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tacenda.testing.azure",
        description="A double of Azure Key Vault for tests, until Ctrl-C. All that it holds is lost then.",
        epilog="AZURE_CLIENT_SECRET, if it is set, becomes the secret of the application that may log in.",
    )
    parser.add_argument("--port", type=int, default=8443, help="of the vault; 0 is any (default: 8443)")
    parser.add_argument("--identity-port", type=int, default=0, help="of the managed identities, without TLS")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="another name for the certificate, the first one for the printed URL too; may be repeated. "
        "The SDK accepts the login of a vault only under a name with a dot in it",
    )
    parser.add_argument("--directory", help="where ca.pem is put, the authority that clients have to trust")
    parser.add_argument("--login", default="adfs", choices=LOGINS, help="whose variables are printed (default: adfs)")
    return parser


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "port": options.port,
        "identity_port": options.identity_port,
        "host": options.host,
        "names": tuple(options.name),
        "directory": options.directory,
        "client_secret": os.environ.get("AZURE_CLIENT_SECRET"),
    }


def _advice(url: str, environment: Mapping[str, str]) -> str:
    lines = exports({"VAULT_URL": url, **environment})
    stack = ["# in a stack of tacenda:", f"#   {{provider: azure_keyvault, vault_url: {url!r}}}"]
    return "\n".join(["# a double of Azure Key Vault, until Ctrl-C; in another terminal:", *lines, *stack, ""])
