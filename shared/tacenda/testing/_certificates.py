"""A certificate authority of a test server's own: TLS on loopback that clients verify for real."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile

from tacenda._errors import MissingDependency

__all__ = ["Certificates"]

NAMES = ("127.0.0.1", "localhost")


class Certificates:
    """A new authority and a certificate of it for loopback.

    Args:
        names: the names and addresses that the certificate is for.
        directory: where `ca.pem` is put, made if it is missing; one that only this user can read if None.

    Attributes:
        ca_cert: the file of the authority, for clients.
        certificate: the server's certificate chain as PEM.
        key: the server's private key as PEM; a repr does not show it.

    Raises:
        MissingDependency: if `trustme` is not installed.
    """

    def __init__(self, *names: str, directory: str | None = None) -> None:
        try:
            import trustme
        except ImportError:
            raise MissingDependency(
                "a test server with TLS needs the package trustme, which is not installed",
                name="trustme",
                hint="pip install 'tacenda[testing]'",
            ) from None
        authority = trustme.CA(organization_name="tacenda tests")
        issued = authority.issue_cert(*(names or NAMES))
        self._directory = None if directory else tempfile.TemporaryDirectory(prefix="tacenda-ca-")
        place = self._directory.name if self._directory else os.path.abspath(directory or "")
        os.makedirs(place, exist_ok=True)
        self.ca_cert = os.path.join(place, "ca.pem")
        authority.cert_pem.write_to_path(self.ca_cert)
        self.certificate = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        self.key = issued.private_key_pem.bytes()
        self._issued = issued

    def server_context(self) -> ssl.SSLContext:
        """Return what a server's sockets are wrapped with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issued.configure_cert(context)
        return context

    def close(self) -> None:
        """Remove the files; a second call does nothing."""
        if self._directory:
            self._directory.cleanup()
        else:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.ca_cert)
