"""One client and one login per backend in a process, however many stack entries and stores ask it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from tacenda._values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

__all__ = ["NETWORK", "Connections", "SharedClients", "connection_key"]

NETWORK = ("HOME", "HTTP", "http", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA", "CURL_CA")
"""What the variables start with that say how any request leaves this machine; ~ holds logins, and what to trust."""


class _Closing(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closing)


class SharedClients(Generic[C]):
    """Clients in use, each under a key that says what it is connected to and as whom."""

    def __init__(self) -> None:
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def take(self, key: Hashable, make: Callable[[], C]) -> C:
        """Return the client under a key, made if there is none; each taker gives it back once."""
        with self._lock:
            client, users = self._clients.get(key) or (make(), 0)
            self._clients[key] = client, users + 1
            return client

    def give_back(self, key: Hashable) -> None:
        """Close the client under a key if nobody else uses it."""
        with self._lock:
            client, users = self._clients.pop(key, (None, 0))
            if client is not None and users > 1:
                self._clients[key] = client, users - 1
                client = None
        if client is not None:
            client.close()

    def _forget(self) -> None:
        # A forked child must not share its parent's connections, nor a lock that another thread held.
        self._lock = threading.Lock()
        self._clients: dict[Hashable, tuple[C, int]] = {}


class Connections(Generic[C]):
    """The shared clients that one stack entry uses: each is taken when it is first needed, and given back at the end.

    Args:
        clients: where they are shared.
    """

    def __init__(self, clients: SharedClients[C]) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._taken: dict[Hashable, tuple[Hashable, C]] = {}

    def client(self, where: Hashable, key: Callable[[], Hashable], make: Callable[[], C]) -> C:
        """Return the client for a place.

        Args:
            where: what tells the entry's own clients apart; None if there is but one.
            key: returns what it is shared under, asked once.
            make: makes it if nobody else uses it yet.
        """
        taken = self._taken.get(where)
        if taken is None:
            with self._lock:
                taken = self._taken.get(where)
                if taken is None:
                    shared = key()
                    taken = self._taken[where] = shared, self._clients.take(shared, make)
        return taken[1]

    def taken(self, where: Hashable = None) -> C | None:
        """Return the client for a place if there is one already."""
        taken = self._taken.get(where)
        return None if taken is None else taken[1]

    def close(self) -> None:
        """Give all back."""
        with self._lock:
            taken, self._taken = self._taken, {}
        for shared, _ in taken.values():
            self._clients.give_back(shared)


def connection_key(settings: Mapping[str, Any], variables: tuple[str, ...]) -> Hashable:
    """Return what tells one connection from another: settings, and the environment variables that play a part in it.

    Args:
        settings: the settings that the client is made from; credentials among them stay masked in a repr.
        variables: what the names of those variables start with, such as `VAULT_`.
    """
    environment = ((name, Secret(value)) for name, value in os.environ.items() if name.startswith(variables))
    return _frozen(settings), tuple(sorted(environment))


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple(sorted((name, _frozen(item)) for name, item in value.items()))
    return Secret(value) if isinstance(value, str) else repr(value)
