"""Credential files and environment variables with which Application Default Credentials log in to the double."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the program tells its options, and what is missing, without Google's SDK
    from tacenda.testing._gcp._identities import Identities

__all__ = ["LOGINS", "CredentialFiles"]

LOGINS = ("service_account", "authorized_user", "workload_identity", "metadata_server")

_SUBJECT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105 - a name, not a token


class CredentialFiles:
    """Writes the files of each login, into a directory that only this user can read.

    Args:
        identities: whose credentials they are.
        endpoint: host and port of the token endpoints.
    """

    def __init__(self, identities: Identities, endpoint: str) -> None:
        self._identities = identities
        self._endpoint = endpoint
        self._directory = tempfile.TemporaryDirectory(prefix="tacenda-gcp-")

    def close(self) -> None:
        """Remove the files."""
        self._directory.cleanup()

    def variables(self, login: str) -> dict[str, str]:
        """Return what a process needs in its environment for one of the logins.

        Raises:
            ValueError: if there is no such login.
        """
        if login not in LOGINS:
            raise ValueError(f"unknown login {login!r}; there are {', '.join(LOGINS)}")
        # An empty directory for the logins that are not a developer's: their own must not be found instead.
        configuration = os.path.join(self._directory.name, "gcloud" if login == "authorized_user" else "no-gcloud")
        os.makedirs(configuration, exist_ok=True)
        found: dict[str, str] = getattr(self, f"_{login}")(configuration)
        return {"CLOUDSDK_CONFIG": configuration, **found}

    def _service_account(self, _configuration: str) -> dict[str, str]:
        who = self._identities
        key = {
            "type": "service_account",
            "project_id": who.project,
            "private_key_id": who.key_id,
            "private_key": who.private_key,
            "client_email": who.service_account,
            "client_id": "100000000000000000000",
            "token_uri": f"https://{self._endpoint}/token",
            "universe_domain": "googleapis.com",
        }
        return {**_NO_METADATA_SERVER, "GOOGLE_APPLICATION_CREDENTIALS": self._write("service-account.json", key)}

    def _authorized_user(self, configuration: str) -> dict[str, str]:
        who = self._identities
        login = {
            "type": "authorized_user",
            "client_id": who.client_id,
            "client_secret": who.client_secret,
            "refresh_token": who.refresh_token,
            "quota_project_id": who.project,
            "universe_domain": "googleapis.com",
        }
        self._write(os.path.join(configuration, "application_default_credentials.json"), login)
        # google-auth takes refresh tokens to Google only; the double is the proxy on the way there.
        proxy, direct = f"http://{self._endpoint}", "127.0.0.1,localhost"
        proxies = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": direct, "no_proxy": direct}
        return {**_NO_METADATA_SERVER, **proxies}

    def _workload_identity(self, _configuration: str) -> dict[str, str]:
        who = self._identities
        account = {
            "type": "external_account",
            "audience": who.audience,
            "subject_token_type": _SUBJECT_TOKEN_TYPE,
            "token_url": f"https://{self._endpoint}/v1/token",
            "credential_source": {"file": self._write("subject-token", who.subject_token)},
            "universe_domain": "googleapis.com",
        }
        return {**_NO_METADATA_SERVER, "GOOGLE_APPLICATION_CREDENTIALS": self._write("workload-identity.json", account)}

    def _metadata_server(self, _configuration: str) -> dict[str, str]:
        return {"GCE_METADATA_HOST": self._endpoint, "GCE_METADATA_IP": self._endpoint}

    def _write(self, name: str, content: Mapping[str, Any] | str) -> str:
        path = os.path.join(self._directory.name, name)
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path


# A machine without one is asked for it nevertheless, with retries, if no credentials are found.
_NO_METADATA_SERVER = {"NO_GCE_CHECK": "true"}
