"""The two ports of a double: one with TLS for the vault and Entra, one without for managed identities."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tacenda.testing._azure._listener import HttpListener
from tacenda.testing._azure._service import Service

if TYPE_CHECKING:
    import ssl

__all__ = ["Ports"]


class Ports:
    """Listens until closed.

    Args:
        service: what answers.
        context: TLS.
        host: the address to listen on.
        ports: with TLS and without; 0 is any that is free.

    Attributes:
        numbers: the ports, with TLS and without.

    Raises:
        OSError: if a port is taken.
    """

    def __init__(self, service: Service, context: ssl.SSLContext, host: str, ports: tuple[int, int]) -> None:
        self._service, self._context, self._host = service, context, host
        self._listeners: list[HttpListener] = []
        self._start(ports)
        self.numbers = self._listeners[0].port, self._listeners[1].port

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Inside the block nothing listens, and open connections are cut."""
        self.close()
        try:
            yield
        finally:
            self._start(self.numbers)

    def close(self) -> None:
        """Stop listening and cut every connection; a second call does nothing."""
        while self._listeners:
            self._listeners.pop().stop()

    def _start(self, ports: tuple[int, int]) -> None:
        vault, identity = ports
        try:
            self._listeners.append(HttpListener((self._host, vault), self._service.over_tls, self._context))
            self._listeners.append(HttpListener((self._host, identity), self._service.over_plain_http))
        except BaseException:
            self.close()
            raise
