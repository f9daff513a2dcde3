"""The conformance kit over one's own AWS account: TACENDA_TEST_AWS_REGION, or `--docker` (S0.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tacenda.providers.aws import AwsProvider
from tacenda.testing import Harness, ProviderConformance

LAG = 300.0
"""ListSecrets may be five minutes behind, says its reference; in seconds."""


class AwsHarness(Harness):
    """Secrets with a prefix of the test's own, with the developer's login."""

    def __init__(self, region: str, url: str | None, prefix: str) -> None:
        settings = {"region": region, "prefix": prefix, **({"endpoint_url": url} if url else {})}
        self.entry = {"provider": "aws_secretsmanager", **settings}
        self.region, self.url, self.prefix = region, url, prefix
        self.written: set[str] = set()
        self.capabilities = AwsProvider(settings, Path()).capabilities
        self.unknown_version = "00000000-0000-4000-8000-000000000000"

    def clean(self) -> None:
        """Delete every secret without the days in which it could be restored, listed yet or not, deleted or not."""
        import boto3

        client = boto3.client("secretsmanager", region_name=self.region, endpoint_url=self.url)
        pages = client.get_paginator("list_secrets").paginate(
            Filters=[{"Key": "name", "Values": [self.prefix]}], IncludePlannedDeletion=True
        )
        found = {secret["Name"] for page in pages for secret in page["SecretList"]}
        found |= {f"{self.prefix}{name}" for name in self.written}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True), found))


class TestAws(ProviderConformance):
    """Names are secrets."""

    impossible: ClassVar[dict[str, str]] = {
        "denied": "who tests with a login of their own does not take its rights away",
        "down": "nobody switches AWS off",
        "throttled": "nobody uses up a quota that the account shares",
        "expired": "only AWS lets its own session tokens expire",
    }

    @pytest.fixture
    def harness(self, surroundings: dict[str, str], prefix: str) -> Iterator[Harness]:
        region = surroundings.get("TACENDA_TEST_AWS_REGION", "us-east-1")
        made = AwsHarness(region, surroundings.get("TACENDA_TEST_AWS_URL"), prefix)
        yield made
        made.clean()

    @pytest.fixture
    def store(self, opener: Any, harness: AwsHarness, settling: Callable[[Any, float], Any]) -> Any:
        store = settling(opener(), 0.0 if harness.url else LAG)
        harness.written = store.written
        return store
