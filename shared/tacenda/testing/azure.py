"""A double of Azure Key Vault, and of the logins to it, for tests: a server that the real SDK talks to over TLS.

::

    with tacenda.testing.azure_key_vault() as vault:
        vault.client().set_secret("api-keys", "example-key")          # the real azure.keyvault.secrets.SecretClient
        os.environ.update(vault.environment("managed_identity"))      # or any other login, for this or another process
        config = {"stacks": {"prod": {"secrets": {"provider": "azure_keyvault", "vault_url": vault.url}}}}

or, for any process: `python -m tacenda.testing.azure --port 8443` prints what to export, and serves until Ctrl-C.

It answers as the REST reference says (group "Secrets", all versions up to 2026-04-01), with the status codes, error
codes and limits of the service: versions, tags, enabled/nbf/exp, paging, soft delete, recover, purge, backup and
restore; Entra's login for applications with a secret or a federated token; the managed identities of machines and of
App Service; tokens that expire; the roles Key Vault Secrets Officer, Secrets User and Reader. The SDK's checks stay
on: of the certificate, and that the vault which asks for a login is the one that was meant.

Where it may differ from the service:

- There is one vault, one directory and one application. No keys, certificates, management plane, network rules.
- Tokens are signed with a key that only this server has. Entra gives one for whatever resource it is asked. There
  are no users (but for `az`'s token), no certificates of applications, no refresh tokens, no claims challenges.
- azure-identity asks login.microsoftonline.com whether an address is known, unless it is told
  `disable_instance_discovery=True`; the directory `adfs` needs that no more than on Azure Stack.
- The resource that tokens are for is the parent domain of the vault's address (`https://0.0.1:8443`), where the
  service says `https://vault.azure.net`; tokens for that one are taken too.
- Everybody has the same role, in force at once; the service needs minutes. Denied names are denied to everybody.
  There are no access policies, the older way to grant.
- The sentences of 400 and of rejected tokens (401) are not all the service's; the codes are. 429 and 503 come before
  the token is looked at.
- All versions of the API behave alike. Parameters about certificates (`outContentType`) are ignored.
- The empty value is accepted, and a value's size is that of its UTF-8.
- Deletions, recoveries and purges are through after `deletion_delay`, everything else at once; in the service it is
  seconds. Nothing is purged when its time has come.
- Lists are in the order of names, versions in that of their ids; in the service, in none to rely on. No page is empty
  while others follow.
- A version that does not exist is a 404, whatever its form; the service may say 400 unless it is 32 hexadecimal digits.
- A backup is good for the server that made it only, and says nothing to anybody else. It has no limit of versions.
- There are no quotas: 429 comes when a test says so.
- The values of `x-ms-keyvault-*` mean nothing, and there is no Strict-Transport-Security, which browsers would keep.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from tacenda.testing._azure._command import serve
from tacenda.testing._azure._entra import Entra
from tacenda.testing._azure._gate import resource_of
from tacenda.testing._azure._logins import Logins
from tacenda.testing._azure._managed_identity import ManagedIdentity
from tacenda.testing._azure._ports import Ports
from tacenda.testing._azure._roles import OFFICER, ROLES, USER
from tacenda.testing._azure._secrets import Recovery, Version
from tacenda.testing._azure._service import Service
from tacenda.testing._azure._store import Store
from tacenda.testing._azure._tokens import Tokens
from tacenda.testing._certificates import NAMES, Certificates

__all__ = ["AzureKeyVault", "azure_key_vault"]

_FOREVER = float("inf")


class AzureKeyVault:
    """A running double of one vault with its logins; for the arguments see `azure_key_vault`.

    Attributes:
        url: the vault's address, such as `https://127.0.0.1:41873`; also that of Entra (AZURE_AUTHORITY_HOST).
        identity_url: where managed identities get their tokens, without TLS.
        ca_cert: the file of the certificate authority that clients have to trust.
        resource: what tokens for this vault are for.
        tenant_id: the directory.
        client_id: the application that may log in; also a user-assigned managed identity.
        client_secret: its secret.
        requests: each request so far, such as `GET /secrets/api-keys/?api-version=7.6`; logins are among them.
    """

    tenant_id = "00000000-0000-4000-8000-00000000000a"
    client_id = "00000000-0000-4000-8000-00000000000c"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        identity_port: int = 0,
        names: tuple[str, ...] = (),
        directory: str | None = None,
        client_secret: str | None = None,
        role: str = OFFICER,
        purge_protection: bool = False,
        retention_days: int = 90,
        deletion_delay: float = 0.05,
        token_lifetime: float = 3600.0,
    ) -> None:
        self.client_secret = client_secret or f"example-client-secret-{secrets.token_hex(8)}"
        self._tokens = Tokens(self.tenant_id, token_lifetime)
        self._store = Store(Recovery(retention_days, not purge_protection), deletion_delay)
        header = f"example-header-{secrets.token_hex(8)}"
        entra = Entra(self._tokens, self.tenant_id, self.client_id, self.client_secret)
        identity = ManagedIdentity(self._tokens, self.client_id, header)
        self._service = Service(self._store, self._tokens, entra, identity, role=role, tenant=self.tenant_id)
        self.requests = self._service.requests
        with contextlib.ExitStack() as undo:  # a port that is taken leaves nothing behind
            certificates = Certificates(*NAMES, *names, directory=directory)
            undo.callback(certificates.close)
            self._ports = Ports(self._service, certificates.server_context(), host, (port, identity_port))
            undo.callback(self._ports.close)
            shown = names[0] if names else "127.0.0.1"
            self.url, self.identity_url = (
                f"{scheme}://{shown}:{number}"
                for scheme, number in zip(("https", "http"), self._ports.numbers, strict=True)
            )
            self.resource = resource_of(self.url.partition("//")[2])
            self.ca_cert = certificates.ca_cert
            self._logins = Logins(
                self.url,
                self.identity_url,
                self.ca_cert,
                self.tenant_id,
                self.client_id,
                self.client_secret,
                header,
                entra.federated_token,
            )
            undo.callback(self._logins.close)
            self._closing = undo.pop_all()

    def __enter__(self) -> AzureKeyVault:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop for good, and remove the files; a second call does nothing."""
        self._closing.close()

    def environment(self, login: str = "service_principal") -> dict[str, str]:
        """Return the environment variables with which `DefaultAzureCredential` of a process logs in here.

        Args:
            login: one of

                - `service_principal`: an application with a secret; azure-identity wants
                  `disable_instance_discovery=True` as well, for which there is no variable;
                - `adfs`: the same, in the directory for which it does not;
                - `workload_identity`: a pod in Kubernetes;
                - `managed_identity`: a machine in Azure, by its metadata service (IMDS);
                - `app_service`: App Service and Functions;
                - `azure_cli`: somebody who has run `az login`; has an `az` of its own on PATH, not on Windows.

        Raises:
            ValueError: for any other.
        """
        return self._logins.environment(login)

    def client(self, **options: Any) -> Any:
        """Return a `SecretClient` of this vault, logged in with the secret; `close` closes it too.

        Args:
            options: passed to it, such as `credential`, `api_version` or `retry_total` (which is for the login too).
        """
        from azure.identity import ClientSecretCredential
        from azure.keyvault.secrets import SecretClient

        # Nothing in the environment concerns it: no proxy, no other authority.
        transport: dict[str, Any] = {"connection_verify": self.ca_cert, "use_env_settings": False}
        if "credential" not in options:
            retries = {key: options[key] for key in options if key.startswith("retry_")}
            credential = ClientSecretCredential(
                self.tenant_id,
                self.client_id,
                self.client_secret,
                authority=self.url,
                disable_instance_discovery=True,
                **transport,
                **retries,
            )
            options["credential"] = self._closing.enter_context(credential)
        return self._closing.enter_context(SecretClient(self.url, **{**transport, **options}))

    def access_token(self, resource: str | None = None) -> str:
        """Return a token of the application.

        Args:
            resource: what it is for; this vault if None.
        """
        return self._tokens.issue(resource or self.resource, self.client_id)

    def put(self, name: str, value: str, *, version: str | None = None, **properties: Any) -> str:
        """Write a version past the limits, without a request; return its id.

        Args:
            name: the secret's.
            value: any text.
            version: its id, a new one if None.
            properties: `content_type`, `tags`, `enabled`, `nbf`, `exp` (seconds since 1970).
        """
        made = Version(value, **properties)
        made.id = version.lower() if version else made.id
        with self._store.lock:
            self._store.add(name, made)
        return made.id

    def disable(self, name: str, version: str | None = None) -> None:
        """Switch a version of a secret off, the newest if None."""
        with self._store.lock:
            self._store.version(name, version)[1].enabled = False

    def reset(self) -> None:
        """Forget all secrets, deleted ones too, and the requests."""
        with self._store.lock:
            self._store.clear()
        self.requests.clear()

    def expire_tokens(self) -> None:
        """Let no token that anybody has count any longer; a new login helps."""
        self._tokens.expire()

    def denied(self, *names: str) -> contextlib.AbstractContextManager[None]:
        """Inside the block nobody may do anything with these secrets: 403, ForbiddenByRbac."""
        return self._service.access.denying(names)

    def role(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Inside the block everybody has this role.

        Args:
            name: such as `Key Vault Reader`; or empty, for none.

        Raises:
            ValueError: if the double does not know it.
        """
        if name and name not in ROLES:
            raise ValueError(f"a role is one of {', '.join(ROLES)}, not {name!r}")
        return self._service.access.granting(name)

    def read_only(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block everybody is a Key Vault Secrets User: may get and list, but not write or delete."""
        return self.role(USER)

    def throttled(
        self, seconds: float = _FOREVER, *, retry_after: float | None = 1
    ) -> contextlib.AbstractContextManager[None]:
        """Inside the block the vault refuses with 429.

        Args:
            seconds: for at most so long.
            retry_after: what it tells clients to wait, in seconds; None for nothing.
        """
        return self._service.faults.throttled(seconds, retry_after)

    def unavailable(
        self, seconds: float = _FOREVER, *, retry_after: float | None = None
    ) -> contextlib.AbstractContextManager[None]:
        """Inside the block the vault refuses with 503; for the arguments see `throttled`."""
        return self._service.faults.unavailable(seconds, retry_after)

    def slow(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Inside the block each answer, of a login too, comes so many seconds later."""
        return self._service.faults.slow(seconds)

    def down(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block nothing listens, neither vault nor logins, and open connections are cut."""
        return self._ports.down()


def azure_key_vault(**options: Any) -> AzureKeyVault:
    """Start a double of Azure Key Vault, as a context manager; it is gone after the block.

    Args:
        options:
            - `host`: the address to listen on, 127.0.0.1 if not given;
            - `port`, `identity_port`: of the vault and of the managed identities, any if not given;
            - `names`: more names for the certificate; the first one is in `url`;
            - `directory`: where `ca.pem` is put, a new directory if not given;
            - `client_secret`: a new one if not given;
            - `role`: everybody's, `Key Vault Secrets Officer` if not given;
            - `purge_protection`: whether nothing can be purged;
            - `retention_days`: how long deleted secrets are kept, 90 if not given;
            - `deletion_delay`: how long deletions, recoveries and purges take, in seconds;
            - `token_lifetime`: in seconds; azure-identity renews a token that has less than 300 left.

    Raises:
        MissingDependency: if `trustme` is not installed.
        OSError: if a port is taken.
    """
    return AzureKeyVault(**options)


if __name__ == "__main__":
    serve(AzureKeyVault)
