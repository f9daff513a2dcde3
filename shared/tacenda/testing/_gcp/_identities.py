"""Who can log in to the double: a service account, a developer, and a workload of another provider."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from google.auth import jwt

from tacenda.testing._gcp._names import project_number

__all__ = ["Identities"]

_ANY_TIME = 10**10
_MAX_LIFETIME = 3600  # seconds, of a token that a service account signs itself


class Identities:
    """The identities of one double, each with new credentials.

    Args:
        project: the id of the project that they belong to.

    Attributes:
        service_account: its email address.
        user: the developer's email address.
        client_id: with `client_secret` and `refresh_token`, the developer's credentials.
        audience: the provider of the workload identity pool.
        subject_token: what the workload shows there, instead of a token of its own provider.
    """

    def __init__(self, project: str) -> None:
        self.project = project
        self.service_account = f"tacenda-test@{project}.iam.gserviceaccount.com"
        self.user = "developer@example.com"
        self.client_id = "example-client.apps.googleusercontent.com"
        self.client_secret = f"example-client-{secrets.token_hex(8)}"
        self.refresh_token = f"example-refresh-{secrets.token_hex(16)}"
        self.subject_token = f"example-subject-{secrets.token_hex(16)}"
        self._pool = f"projects/{project_number(project)}/locations/global/workloadIdentityPools/example-pool"
        self.audience = f"//iam.googleapis.com/{self._pool}/providers/example-provider"
        self.key_id = secrets.token_hex(20)

    @property
    def members(self) -> dict[str, str]:
        """Who they are in IAM policies, by login."""
        service_account = f"serviceAccount:{self.service_account}"
        return {
            "service_account": service_account,
            "authorized_user": f"user:{self.user}",
            "workload_identity": self.workload,
            "metadata_server": service_account,
        }

    @property
    def workload(self) -> str:
        """The workload as a member of IAM policies."""
        return f"principal://iam.googleapis.com/{self._pool}/subject/example-workload"

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import rsa  # needed for TLS only

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def private_key(self) -> str:
        """The service account's private key as PEM, made when it is first asked for."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem: bytes = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()

    @cached_property
    def _public_key(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        pem: bytes = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def verified(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token that the service account signed, in time or not; None of any other."""
        # As if any clock was right: who asks tells what is over from what is false.
        try:
            claims: Mapping[str, Any] = jwt.decode(token, self._public_key, clock_skew_in_seconds=_ANY_TIME)  # type: ignore[no-untyped-call]
        except ValueError:
            return None
        if claims.get("iss") != self.service_account:
            return None
        begin, end = claims.get("iat"), claims.get("exp")
        return claims if isinstance(begin, int) and isinstance(end, int) and end - begin <= _MAX_LIFETIME else None
