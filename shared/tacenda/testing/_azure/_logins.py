"""The environment variables of each login, and the files that some of them need."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

from tacenda.testing._azure._entra import ADFS
from tacenda.testing._azure._managed_identity import APP_SERVICE_PATH

__all__ = ["LOGINS", "Logins"]

LOGINS = ("service_principal", "adfs", "workload_identity", "managed_identity", "app_service", "azure_cli")

# Stands in for `az account get-access-token`, on which AzureCliCredential relies; logged in as the machine itself.
_AZ = """
import json, sys, time, urllib.request
arguments = sys.argv[1:]
if arguments[:2] != ["account", "get-access-token"]:
    sys.exit("ERROR: this az of a test server knows only: account get-access-token")
url = {url!r} + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
request = urllib.request.Request(url + arguments[arguments.index("--resource") + 1], headers={{"Metadata": "true"}})
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
with opener.open(request) as answer:
    token = json.load(answer)
expires = int(token["expires_on"])
local = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(expires))
print(json.dumps({{"accessToken": token["access_token"], "expiresOn": local, "expires_on": expires,
                   "tenant": {tenant!r}, "tokenType": "Bearer"}}))
"""


@dataclass(repr=False)  # holds the client secret
class Logins:
    """Says how a process logs in at one double.

    Args:
        url: of the vault and of Entra.
        identity_url: of the managed identities.
        ca_cert: what clients have to trust.
        tenant: the directory.
        client_id: the application.
        client_secret: its secret.
        identity_header: what App Service tells its apps.
        federated_token: makes what a pod has in its token file.
    """

    url: str
    identity_url: str
    ca_cert: str
    tenant: str
    client_id: str
    client_secret: str
    identity_header: str
    federated_token: Callable[[], str]
    _directory: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="tacenda-azure-"), init=False
    )

    def close(self) -> None:
        """Remove the files."""
        self._directory.cleanup()

    def environment(self, login: str) -> dict[str, str]:
        """Return the variables of a login; see `AzureKeyVault.environment`."""
        logins: dict[str, Callable[[], dict[str, str]]] = {
            "service_principal": lambda: self._service_principal(self.tenant),
            "adfs": lambda: self._service_principal(ADFS),
            "workload_identity": self._workload_identity,
            "managed_identity": lambda: {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.identity_url},
            "app_service": self._app_service,
            "azure_cli": self._azure_cli,
        }
        if login not in logins:
            raise ValueError(f"login is one of {', '.join(LOGINS)}, not {login!r}")
        unproxied = filter(None, [self.url.split(":")[1].strip("/"), os.environ.get("NO_PROXY")])
        return {"REQUESTS_CA_BUNDLE": self.ca_cert, "NO_PROXY": ",".join(unproxied), **logins[login]()}

    def _service_principal(self, tenant: str) -> dict[str, str]:
        return {**self._application(tenant), "AZURE_CLIENT_SECRET": self.client_secret}

    def _workload_identity(self) -> dict[str, str]:
        token = self._write("federated-token", self.federated_token())
        return {**self._application(self.tenant), "AZURE_FEDERATED_TOKEN_FILE": token}

    def _application(self, tenant: str) -> dict[str, str]:
        return {"AZURE_AUTHORITY_HOST": self.url, "AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": self.client_id}

    def _app_service(self) -> dict[str, str]:
        return {"IDENTITY_ENDPOINT": self.identity_url + APP_SERVICE_PATH, "IDENTITY_HEADER": self.identity_header}

    def _azure_cli(self) -> dict[str, str]:
        program = self._write("az.py", _AZ.format(url=self.identity_url, tenant=self.tenant))
        command = f'exec {shlex.quote(sys.executable)} -I -S {shlex.quote(program)} "$@"'
        az = self._write(os.path.join("bin", "az"), f"#!/bin/sh\n{command}\n")
        os.chmod(az, 0o700)
        path = os.pathsep.join([os.path.dirname(az), os.environ.get("PATH", os.defpath)])
        # People's own logins only: outside Azure, waiting for its metadata service takes a second.
        return {"PATH": path, "AZURE_TOKEN_CREDENTIALS": "dev"}

    def _write(self, name: str, text: str) -> str:
        path = os.path.join(self._directory.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
