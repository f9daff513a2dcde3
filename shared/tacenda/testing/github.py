"""A double of GitHub's API for Actions secrets, for users' own tests: the real PyGithub talks to it over a socket.

    with tacenda.testing.github_secrets() as server:
        entry = {"provider": "github", "repository": server.repository, "api_url": server.url, "token": server.token}
        ...
        assert server.value("API_KEY") == "example-key"

    python -m tacenda.testing.github --port 8444        # for programs in any language

It serves the secrets of one repository, of its environments and of one organisation: public key, create or replace,
look up, list in pages, delete; it opens the sealed boxes, so that tests see what arrived. Where it may differ from
GitHub (checked against the pages "REST API endpoints for GitHub Actions Secrets", "Secrets reference" and "Rate limits
for the REST API", not against the service):

- The words of a 422 (an illegal name, a wrong key_id, a value of more than 48 KB, one secret too many, no visibility)
  are ours, and so is the status for one too many; GitHub documents the limits only.
- Names that begin with a digit or GITHUB_ are refused as any illegal name.
- One token has every permission; `denied` and `hidden` take them away. There are no scopes, SSO or IP lists.
- `visibility` of an organisation's secret is kept; `selected` keeps no repositories.
- The rate limit is used up only inside `throttled`; conditional requests, ETags and API versions play no part.
- Plain http; nothing outside the secrets' own paths exists.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Any

from tacenda.testing._github._homes import Home
from tacenda.testing._github._server import Server
from tacenda.testing._program import ending, exports, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tacenda.testing._github._server import Fault

__all__ = ["GithubSecrets", "github_secrets"]

_REPOSITORY_LIMIT, _ORGANIZATION_LIMIT = 100, 1000  # "Secrets reference"


class GithubSecrets:
    """A running double; see `github_secrets`.

    Attributes:
        token: the token that it accepts.
        repository: its repository, OWNER/REPO.
        environments: the names of the repository's environments.
        organization: its organisation.
        requests: each request so far, such as `GET /repos/example-org/example-repo/actions/secrets?page=1`.
    """

    repository = "example-org/example-repo"
    environments = ("production", "staging")
    organization = "example-org"

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.token = f"example-token-{secrets.token_hex(8)}"
        self._fault: tuple[float, frozenset[str], Fault] | None = None  # until when, on which secrets (all if none)
        self._homes = {self._place(): Home(_REPOSITORY_LIMIT)}
        self._homes.update({self._place(name): Home(_REPOSITORY_LIMIT) for name in self.environments})
        self._organization = Home(_ORGANIZATION_LIMIT, organization=True)
        self._homes[f"/orgs/{self.organization}/actions"] = self._organization
        self.requests: list[str] = []
        self._server: Server | None = None
        self._address = (host, port)
        self._listen()

    def __enter__(self) -> GithubSecrets:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Its address, for `api_url`."""
        return f"http://127.0.0.1:{self._address[1]}"

    def environment(self) -> dict[str, str]:
        """Return the variables with which another process, or this one, logs in here."""
        return {"GH_ENTERPRISE_TOKEN": self.token, "GH_REPO": self.repository}

    def client(self, **options: Any) -> Any:
        """Return a real PyGithub client of this server; options are passed to `github.Github`."""
        import github

        own = {"auth": github.Auth.Token(self.token), "base_url": self.url, "retry": 0, "seconds_between_writes": None}
        return github.Github(**{**own, **options})

    def value(self, name: str, *, environment: str | None = None, organization: bool = False) -> str:
        """Return the value that arrived for a secret.

        Args:
            name: the secret's name, in any case.
            environment: look there instead of in the repository.
            organization: look in the organisation.

        Raises:
            KeyError: if there is no such secret.
        """
        return self._home(environment, organization).value(name)

    def names(self, *, environment: str | None = None, organization: bool = False) -> list[str]:
        """Return the names of the secrets; arguments as for `value`."""
        return self._home(environment, organization).names()

    def reset(self) -> None:
        """Forget every secret and request."""
        for home in self._homes.values():
            home.clear()
        self.requests.clear()

    def rotate_key(self) -> None:
        """Give every set of secrets a new key pair, as GitHub does from time to time."""
        for home in self._homes.values():
            home.rotate_key()

    # -- faults --------------------------------------------------------------------------------------

    def denied(self, *names: str) -> contextlib.AbstractContextManager[None]:
        """Inside the block the token may not touch these secrets; without names, none: 403."""
        fault: Fault = (403, "Resource not accessible by personal access token", {})
        return self._failing(fault, names=frozenset(name.upper() for name in names))

    def hidden(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block the token may not even know of the repository: 404, as if there were none."""
        return self._failing((404, "Not Found", {}))

    def throttled(
        self, seconds: float, *, retry_after: int | None = None, primary: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        """For some seconds, or until the block ends, refuse requests as too many.

        Args:
            seconds: how long.
            retry_after: the header of that name, in seconds.
            primary: the hourly limit (`X-RateLimit-Remaining: 0` and `X-RateLimit-Reset`) instead of a secondary one.
        """
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if primary:
            headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + seconds) + 1)}
        limit = "API rate limit exceeded for user ID 1." if primary else "You have exceeded a secondary rate limit."
        return self._failing((403 if primary else 429, limit, headers), seconds)

    def unavailable(self, seconds: float, status: int = 503) -> contextlib.AbstractContextManager[None]:
        """For some seconds, or until the block ends, answer with a server error."""
        return self._failing((status, "Service unavailable", {}), seconds)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Inside the block nothing listens on the port."""
        self.close()
        try:
            yield
        finally:
            self._listen()

    def expire_token(self) -> None:
        """Make a new `token`; the one before is refused from now on."""
        self.token = f"example-token-{secrets.token_hex(8)}"

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    @contextlib.contextmanager
    def _failing(
        self, fault: Fault, seconds: float = float("inf"), *, names: frozenset[str] = frozenset()
    ) -> Iterator[None]:
        before, self._fault = self._fault, (time.monotonic() + seconds, names, fault)
        try:
            yield
        finally:
            self._fault = before

    def _fault_of(self, path: str) -> Fault | None:
        if self._fault is None:
            return None
        until, names, fault = self._fault
        named = not names or path.rpartition("/")[2].upper() in names
        return fault if named and time.monotonic() < until else None

    def _listen(self) -> None:
        self._server = Server(self._address, self._homes, self._fault_of, self._authorized)
        self._server.requests = self.requests
        self._address = (self._address[0], self._server.port)
        self._server.start()

    def _authorized(self, header: str) -> bool:
        return header.partition(" ")[2] == self.token

    def _place(self, environment: str | None = None) -> str:
        return f"/repos/{self.repository}/" + (f"environments/{environment}" if environment else "actions")

    def _home(self, environment: str | None, organization: bool) -> Home:
        return self._organization if organization else self._homes[self._place(environment)]


def github_secrets() -> GithubSecrets:
    """Start the double on loopback, in threads of this process, as a context manager.

    Raises:
        MissingDependency: if `pynacl` is not installed.
    """
    return GithubSecrets()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tacenda.testing.github", description="GitHub's Actions secrets")
    parser.add_argument("--port", type=int, default=0, help="the port; a free one if not given")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; 127.0.0.1 if not given")
    chosen = parser.parse_args(arguments)
    wait = ending()
    with started(lambda: GithubSecrets(port=chosen.port, host=chosen.host), chosen.host) as server:
        print(f"# GitHub's Actions secrets at {server.url} (api_url); Ctrl-C ends it")  # noqa: T201
        stack = ["# in a stack of tacenda:", f"#   {{provider: github, api_url: {server.url!r}}}"]
        print("\n".join([*exports(server.environment()), *stack]), flush=True)  # noqa: T201
        wait()


if __name__ == "__main__":
    main()
