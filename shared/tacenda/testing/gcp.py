"""A double of Google Secret Manager: a test server on loopback that the real SDK talks gRPC to.

It is for tests of your own code and of this package: nothing is stored on disk, nothing leaves the machine. ::

    with tacenda.testing.gcp_secret_manager() as server:
        server.put("api-keys", b"example-key")
        client = server.client()  # google-cloud-secret-manager's own client
        ...

or, for any program, ``python -m tacenda.testing.gcp --port 9090 [--tls]``.

Without TLS it asks for no login, as emulators do. With TLS it asks for one, verifies tokens that its service account
signed itself, and issues others as OAuth's endpoint, as the Security Token Service (workload identity federation) and
as the metadata server.

Served are all methods on secrets and versions. As in the service, answers name projects by
number, `latest` is the version created last whatever its state, entity tags change with each update (documentation:
"Etags"), and what may not be read is not told from what does not exist.

**Where it may differ from the service**

Words. As in public reports of the service's answers: PERMISSION_DENIED, UNAUTHENTICATED with a token, "Secret Version …
is in … state.", "Resource ID … is not in a valid format.", "Field [payload] is required.", "Secret must be provided.",
"Invalid JWT Signature." Seen in other people's stand-ins only: "Secret … not found or has no versions." As other
services of Google say it: RESOURCE_EXHAUSTED. Not checked are all other messages. Nor are, where the documentation
names none, status codes: INVALID_ARGUMENT for payloads that are empty, too large or do not match their checksum, and
for aliases, labels, annotations, masks, filters and pages that are wrong; FAILED_PRECONDITION for old entity tags.
ErrorInfo and RetryInfo have the documented form; Help and LocalizedMessage are missing.

Projects. Every project exists, its API is enabled, and its number is made from its id. There are no organisations,
folders, service perimeters, tags, or audit logs. All logins are administrators of all projects, until `roles` or
`only_access` says otherwise.

IAM. `roles` knows six predefined roles. Secrets have no policies: GetIamPolicy, SetIamPolicy and TestIamPermissions
answer UNIMPLEMENTED. A change holds at once; in the service it takes up to some minutes.

Regions. Global and regional names are served side by side; the service serves regional ones at
`secretmanager.LOCATION.rep.googleapis.com` only, and knows which locations there are. ListLocations is missing.

Lists. Secrets come sorted by name, versions from the newest on; a page token goes on by position, so that changes
meanwhile shift what is listed.

Settings of secrets. Topics, rotation and customer-managed keys are kept and shown, but nothing is published, rotated
or encrypted; that they exist is not checked. EnableManagedRotation and RotateSecret answer UNIMPLEMENTED.
`version_destroy_ttl` is kept, but what is destroyed is so at once. Limits of
labels, annotations and aliases are those of the documentation; no limit of secrets or versions. Changes are visible
to everybody at once; in the service, listing and IAM lag behind.

Filters. Terms on name, labels, annotations and state with `:`, `=`, NOT, AND, OR; no parentheses, no comparison of
times. `name:` looks in the secret's id.

Quotas are never exceeded but on demand. Requests are served one at a time.

Logins. Each has one identity, with new credentials for each server. Scopes are not looked at except in self-signed
tokens. There is no impersonation of service accounts, no mTLS, and no universe but `googleapis.com`. Refresh tokens go
through a proxy, since google-auth sends them to Google only. An unknown token is ACCESS_TOKEN_TYPE_UNSUPPORTED
whatever is wrong with it.

REST. There is none: the SDK with `transport="rest"`, and gcloud, cannot use it.

**Fork.** The server runs in threads inside gRPC's C core. When its process forks, gRPC writes "Other threads are
currently calling into gRPC, skipping fork() handlers" (not with GRPC_VERBOSITY=NONE), and clients in the child may hang
(always with GRPC_ENABLE_FORK_SUPPORT=0). So start the server in another process than the one that forks, with
``python -m tacenda.testing.gcp``. In a forked child `close` does nothing: the server is its parent's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tacenda.providers._sdk import load_sdk
from tacenda.testing._certificates import Certificates

if TYPE_CHECKING:
    from tacenda.testing._gcp._faults import Fault

__all__ = ["GcpSecretManager", "gcp_secret_manager"]

# Its certificate is good for the service's own address too, for who leads clients of that one here.
_SERVICE = "secretmanager.googleapis.com"


class GcpSecretManager:
    """A running double of Secret Manager; see `gcp_secret_manager` and this module.

    Attributes:
        project: the id of the project that its logins belong to.
        ca_cert: with TLS, the file of the certificate authority; None without.
        calls: what it was asked so far, in the order seen, such as
            `AccessSecretVersion projects/example-project/secrets/api-keys/versions/latest` or `POST /token`. What the
            client from `client()` without a login asks is left out.
    """

    def __init__(
        self, *, tls: bool = False, project: str = "example-project", host: str = "127.0.0.1", port: int = 0
    ) -> None:
        load_sdk("google.cloud.secretmanager_v1", backend="the Secret Manager test server", extra="gcp,testing")
        from tacenda.testing._gcp._environment import CredentialFiles
        from tacenda.testing._gcp._identities import Identities
        from tacenda.testing._gcp._logins import PROXIED, Logins
        from tacenda.testing._gcp._server import Listener
        from tacenda.testing._gcp._service import Service
        from tacenda.testing._gcp._tokens import Tokens

        self.project = project
        self._host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - how clients reach it
        self._service = Service()
        self._identities = Identities(project)
        self._tokens = Tokens(self._identities, required=tls)
        self._certificates = Certificates("127.0.0.1", "localhost", PROXIED, _SERVICE) if tls else None
        self.ca_cert = self._certificates.ca_cert if self._certificates else None
        pair = (self._certificates.key, self._certificates.certificate) if self._certificates else None
        try:
            self._listener = Listener(self._service, self._tokens, host=host, port=port, certificates=pair)
        except OSError:
            if self._certificates:
                self._certificates.close()
            raise
        self._logins: Logins | None = None
        self._files: CredentialFiles | None = None
        if self._certificates:
            context = self._certificates.server_context()
            self._logins = Logins(host, context, self._identities, self._tokens, self._service.calls.append)
            self._files = CredentialFiles(self._identities, f"{self._host}:{self._logins.port}")
        self._clients: list[Any] = []
        self._process = os.getpid()

    def __enter__(self) -> GcpSecretManager:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def endpoint(self) -> str:
        """Host and port of the gRPC server, such as `127.0.0.1:41873`."""
        return f"{self._host}:{self._listener.port}"

    @property
    def url(self) -> str:
        """The endpoint as a URL."""
        return f"{'https' if self.ca_cert else 'http'}://{self.endpoint}"

    @property
    def calls(self) -> list[str]:
        """See the class; clear it to count anew."""
        return self._service.calls

    def client(self, login: str | None = None) -> Any:
        """Return a client of the SDK, which no proxy or credentials in the environment concern.

        Args:
            login: one that `environment` knows, whose token it sends; it meets every fault and permission. None for
                the operator of the test server, to prepare and look at things: it may do everything, meets no fault
                but `down`, and is not among the `calls`.
        """
        from tacenda.testing._gcp._server import connect

        token = self._tokens.operator if login is None else self._tokens.issue(self._identities.members[login])
        client = connect(self.endpoint, token, self.ca_cert)
        self._clients.append(client)
        return client

    def put(self, name: str, value: bytes, *, project: str | None = None) -> str:
        """Store a value as the newest version of a secret, created if need be, and return the version's name.

        Args:
            name: the secret's id.
            value: what is stored.
            project: the project's id; that of the server if None.
        """
        from google.api_core.exceptions import AlreadyExists

        parent = f"projects/{project or self.project}"
        with suppress(AlreadyExists):
            self._operator.create_secret(parent=parent, secret_id=name, secret={"replication": {"automatic": {}}})
        version = self._operator.add_secret_version(parent=f"{parent}/secrets/{name}", payload={"data": value})
        return str(version.name)

    @cached_property
    def _operator(self) -> Any:
        return self.client()

    def environment(self, login: str = "service_account") -> dict[str, str]:
        """Return variables with which Application Default Credentials, in any process, log in to the double.

        They name files that are there until `close`. Without TLS no login is needed, and only the project is named.

        Args:
            login: `service_account` (a key file), `authorized_user` (what `gcloud auth application-default login`
                leaves; through a proxy to nowhere else), `workload_identity` (an external account, with its token in
                a file) or `metadata_server` (as on Compute Engine, GKE and Cloud Run).

        Raises:
            ValueError: if there is no such login.
        """
        variables = {"GOOGLE_CLOUD_PROJECT": self.project}
        if self._files is None or self.ca_cert is None:
            return variables
        authority = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": self.ca_cert, "REQUESTS_CA_BUNDLE": self.ca_cert}
        return {**variables, **authority, **self._files.variables(login)}

    def denied(self, *names: str) -> Fault:
        """Deny requests about these secrets (ids or full names), or all; until the end of a `with` block or `reset`."""
        return self._service.faults.deny(names)

    def only_access(self) -> Fault:
        """Leave all logins the role Secret Manager Secret Accessor alone, as `roles` does."""
        return self.roles("roles/secretmanager.secretAccessor")

    def roles(self, *roles: str) -> Fault:
        """Give all logins these roles in all projects, and no others.

        Raises:
            ValueError: for a role that is not one of Secret Manager's, such as `roles/secretmanager.viewer`.
        """
        return self._service.access.limit(roles)

    def throttled(self, seconds: float | None = None, *, retry_after: float | None = None) -> Fault:
        """Answer RESOURCE_EXHAUSTED.

        Args:
            seconds: for how long from now; None until the end of the block.
            retry_after: what to name in RetryInfo, in seconds; by default there is none, as in the service.
        """
        return self._service.faults.throttle(seconds, retry_after)

    def unavailable(self, seconds: float | None = None) -> Fault:
        """Answer UNAVAILABLE, for some seconds from now or until the end of the block."""
        return self._service.faults.fail(seconds)

    def corrupt(self, name: str) -> Fault:
        """Damage a secret's payload on its way, so that it does not match its CRC32C."""
        return self._service.faults.corrupt(name)

    def down(self) -> Fault:
        """Stop listening until the end of the block, and keep port and data; token endpoints go on."""
        from tacenda.testing._gcp._faults import Fault

        self._listener.stop()
        return Fault(self._listener.start)

    def expire_tokens(self) -> None:
        """End all tokens issued or seen so far: they are UNAUTHENTICATED from now on, new ones are not."""
        self._tokens.expire()

    def reset(self) -> None:
        """Forget all secrets, calls and faults; what is down stays down."""
        self._service.reset()

    def close(self) -> None:
        """Stop the server, close the clients and remove the files; in a forked child nothing happens."""
        if os.getpid() != self._process:
            return
        for client in self._clients:
            client.transport.close()
        self._clients.clear()
        self._listener.stop()
        if self._logins:
            self._logins.stop()
            self._logins = None
        for holder in (self._files, self._certificates):
            if holder:
                holder.close()


def gcp_secret_manager(
    *, tls: bool = False, project: str = "example-project", host: str = "127.0.0.1", port: int = 0
) -> GcpSecretManager:
    """Start a double of Secret Manager in this process, as a context manager.

    Args:
        tls: serve with TLS, and ask for a login.
        project: the id of the project that the logins belong to.
        host: the address to bind.
        port: the port of the gRPC server; 0 for a free one.

    Raises:
        MissingDependency: if google-cloud-secret-manager is not installed, or, for TLS, trustme.
        OSError: if the port is taken.

    Example::

        with tacenda.testing.gcp_secret_manager(tls=True) as server:
            environment = {**os.environ, **server.environment("workload_identity")}
            settings = {"provider": "gcp_secretmanager", "project_id": server.project, "api_endpoint": server.endpoint}
    """
    return GcpSecretManager(tls=tls, project=project, host=host, port=port)


if __name__ == "__main__":
    from tacenda.testing._gcp._command import main

    main()
