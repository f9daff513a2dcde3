"""Mounts, identities and faults on a shared OpenBao server, made by the operator's own means."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tacenda.providers import Document
from tacenda.providers.vault import VaultProvider
from tacenda.testing import Gateway, OpenBao

_ALL = '["create", "read", "update", "patch", "delete", "list"]'


class VaultLab:
    """One key-value mount that nobody else uses.

    Args:
        server: the server.
        gateway: the way to it.
        kv_version: of the mount.
        mount: its path; a new one if None.
    """

    def __init__(self, server: OpenBao, gateway: Gateway, kv_version: int = 2, mount: str | None = None) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.server, self.gateway, self.kv_version = server, gateway, kv_version
        self.mount = mount or f"kv-{self.id}"
        self.root = server.client()
        self.api("sys/mounts/" + self.mount, type="kv", options={"version": str(kv_version)})
        while self.root.adapter.get(f"/v1/{self.mount}/data/none", raise_exception=False).status_code == 400:
            time.sleep(0.01)  # the server is still making it a version 2 engine

    def api(self, path: str, /, **body: Any) -> Any:
        """Post to the API as root."""
        return self.root.adapter.post(f"/v1/{path}", json=body)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a stack entry that lead here, without credentials."""
        return {"vault_url": self.gateway.url, "vault_mount": self.mount, "kv_version": self.kv_version}

    def provider(self, **settings: Any) -> VaultProvider:
        """Return a provider on this mount; with the root token unless `auth` or `token` is given."""
        chosen = {**self.settings, **settings}
        if not {"auth", "token"} & set(settings):
            chosen["token"] = self.server.token
        return VaultProvider({name: value for name, value in chosen.items() if value is not None}, Path())

    def put(self, name: str, **fields: Any) -> None:
        """Write fields as `vault kv put` does."""
        if self.kv_version == 1:
            self.api(f"{self.mount}/{name}", **fields)
        else:
            self.api(f"{self.mount}/data/{name}", data=fields)

    def policy(self, denied: str | None = None) -> str:
        """Write the policy of this lab: everything in the mount but, if given, one document; return its name."""
        rules = [f'path "{self.mount}/*" {{ capabilities = {_ALL} }}']
        if denied is not None:
            path = f"{self.mount}/{denied}" if self.kv_version == 1 else f"{self.mount}/data/{denied}"
            rules.append(f'path "{path}" {{ capabilities = ["deny"] }}')
        self.api(f"sys/policies/acl/{self.mount_name}", policy="\n".join(rules))
        return self.mount_name

    @property
    def mount_name(self) -> str:
        return self.mount.replace("/", "-")

    def token(self, **options: Any) -> str:
        """Return a token of this lab's policy; options as for `auth/token/create`."""
        answer = self.api("auth/token/create", policies=[self.policy()], **options)
        return str(answer["auth"]["client_token"])

    def approle(self, **role: Any) -> dict[str, str]:
        """Enable AppRole at a mount of this lab; return the setting `auth`, credentials included."""
        mount = f"approle-{self.id}"
        self.api(f"sys/auth/{mount}", type="approle")
        self.api(f"auth/{mount}/role/example", token_policies=[self.policy()], **role)
        role_id = self.root.adapter.get(f"/v1/auth/{mount}/role/example/role-id")["data"]["role_id"]
        auth = {"method": "approle", "mount": mount, "role_id": role_id}
        if role.get("bind_secret_id", True):
            auth["secret_id"] = self.api(f"auth/{mount}/role/example/secret-id")["data"]["secret_id"]
        return auth

    def revoke_logins(self, mount: str) -> None:
        """Make every token that logins at an auth mount have got invalid."""
        self.api(f"sys/leases/revoke-prefix/auth/{mount}/", sync=True)

    @contextlib.contextmanager
    def denied(self, document: str) -> Iterator[None]:
        """Take a document out of the policy for a while."""
        self.policy(denied=document)
        try:
            yield
        finally:
            self.policy()

    @contextlib.contextmanager
    def quota(self, seconds: float) -> Iterator[None]:
        """Let no request into the mount for some seconds: a real rate-limit quota, used up."""
        quota = f"quota-{self.id}"
        self.api(f"sys/quotas/rate-limit/{quota}", path=f"{self.mount}/", rate=1, interval=f"{seconds}s")
        self.root.adapter.get(f"/v1/{self.mount}/data/quota", raise_exception=False)
        try:
            yield
        finally:
            self.root.adapter.delete(f"/v1/sys/quotas/rate-limit/{quota}")

    def logins(self) -> int:
        """Return how many logins the gateway has seen."""
        return sum("/login" in request for request in self.gateway.requests)


def text(document: Document) -> str:
    """Return a document's text."""
    assert isinstance(document.value, str)
    return document.value
