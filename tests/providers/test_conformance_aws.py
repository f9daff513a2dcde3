"""The conformance kit over AWS Secrets Manager: names, one secret whose keys are the secrets, a prefix (S0.12, S0.37).

The server is moto with IAM in force: what is denied is denied by a policy, and a login is over when its key is revoked.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from aws_lab import AwsLab

from tacenda.testing import Harness, ProviderConformance

_DOCUMENT = "team/document"


class AwsHarness(Harness):
    """An identity of its own, whose keys are in ~/.aws/credentials, on an empty server."""

    def __init__(self, lab: AwsLab, **settings: Any) -> None:
        self.lab = lab
        lab.write_credentials()
        self.entry = {"provider": "aws_secretsmanager", **lab.settings, **settings}
        self.capabilities = lab.provider(**settings).capabilities
        self.secret = f"{settings.get('prefix', '')}%s"

    def denied(self, name: str) -> AbstractContextManager[Any]:
        return self.lab.denied(self.secret.replace("%s", name))

    def down(self) -> AbstractContextManager[Any]:
        return self.lab.gateway.down()

    def throttled(self, *, briefly: bool) -> AbstractContextManager[Any]:
        return self.lab.gateway.throttled(1.0 if briefly else 3600.0)

    def expire_login(self) -> None:
        self.lab.rotate_key()
        self.lab.write_credentials()


class DocumentHarness(AwsHarness):
    """One secret in which every secret is a key."""

    one_document = True

    def __init__(self, lab: AwsLab) -> None:
        super().__init__(lab, secret_name=_DOCUMENT)
        self.secret = _DOCUMENT

    def largest(self, name: str) -> int | None:
        limit = self.capabilities.max_bytes
        return limit and limit - len(f'{{"{name}":""}}')


class TestNames(ProviderConformance):
    """Names are secrets."""

    @pytest.fixture
    def harness(self, aws: AwsLab) -> Harness:
        return AwsHarness(aws)


class TestDocument(ProviderConformance):
    """`secret_name`: names are keys of one secret."""

    @pytest.fixture
    def harness(self, aws: AwsLab) -> Harness:
        return DocumentHarness(aws)


class TestPrefix(ProviderConformance):
    """Names stand in a folder and behind a prefix."""

    @pytest.fixture
    def harness(self, aws: AwsLab) -> Harness:
        aws.put("ml/other", "not ours")
        return AwsHarness(aws, prefix="ml/jobs-")
