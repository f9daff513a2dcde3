"""`python -m tacenda.testing.gcp`: the double as a program."""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tacenda.testing._gcp._environment import LOGINS
from tacenda.testing._program import ending, exports, started

if TYPE_CHECKING:
    from tacenda.testing.gcp import GcpSecretManager

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM, and leave nothing behind.

    Args:
        arguments: the command line's; those of this process if None.
    """
    options = _parser().parse_args(arguments)
    # Google's, about Pythons that it will drop one day: not the business of who starts a test server.
    warnings.filterwarnings("ignore", message="You are using a (non-supported )?Python version", category=FutureWarning)
    from tacenda.testing.gcp import gcp_secret_manager

    wait = ending()
    settings = {name: getattr(options, name) for name in ("tls", "project", "host", "port")}
    with started(lambda: gcp_secret_manager(**settings), options.host) as server:
        sys.stdout.write(_instructions(server, options.login))
        sys.stdout.flush()
        wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tacenda.testing.gcp", description="A test server of the Google Secret Manager API (gRPC)."
    )
    parser.add_argument("--port", type=int, default=9090, help="port of the API; 0 for a free one (default: 9090)")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (0.0.0.0 in a container)")
    parser.add_argument("--tls", action="store_true", help="serve with TLS and ask for a login")
    parser.add_argument("--login", choices=LOGINS, default=LOGINS[0], help="whose credentials to print, with --tls")
    parser.add_argument("--project", default="example-project", help="project id of the logins")
    return parser


def _instructions(server: GcpSecretManager, login: str) -> str:
    # Everything but the exports is a comment: what is printed can be pasted, or sourced from a file.
    address = server.endpoint if server.ca_cert else server.url
    lines = [
        f"# Secret Manager test server on {server.url}; Ctrl-C ends it and its files.",
        *exports(server.environment(login)),
        "# in a stack of tacenda:",
        f"#   {{provider: gcp_secretmanager, project_id: {server.project}, api_endpoint: {shlex.quote(address)}}}",
        "# in Python:",
    ]
    if server.ca_cert:
        lines.append(f'#   SecretManagerServiceClient(client_options={{"api_endpoint": "{server.endpoint}"}})')
    else:
        lines += [
            f'#   channel = grpc.insecure_channel("{server.endpoint}")',
            "#   SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))",
        ]
    return "\n".join([*lines, "# ready", ""])
