"""What the clouds cost: a cold read of one secret over each bare SDK, and 50 AWS secrets over a slow network."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tacenda
from benchmarks._measure import Pair, Result, interleaved, process, timed
from benchmarks.reading import DELAY, SECRETS, slow_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tacenda.testing import Moto

_OURS = """
import tacenda
assert tacenda.open_store().get("bench") == "example-value"
"""
_BOTO3 = """
import boto3
client = boto3.client("secretsmanager")
assert client.get_secret_value(SecretId="bench")["SecretString"] == "example-value"
"""
_AZURE = """
import os
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
client = SecretClient(os.environ["VAULT"], DefaultAzureCredential())
assert client.get_secret("bench").value == "example-value"
"""
_GCP = """
import os
from google.api_core.client_options import ClientOptions
from google.cloud import secretmanager
client = secretmanager.SecretManagerServiceClient(client_options=ClientOptions(api_endpoint=os.environ["ENDPOINT"]))
name = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/secrets/bench/versions/latest"
assert client.access_secret_version(name=name).payload.data == b"example-value"
"""


class _Cloud(NamedTuple):
    """One cloud's stack entry, its bare SDK's program, and what both find in the environment."""

    name: str
    entry: str
    bare: str
    environment: Mapping[str, str]


def run() -> Iterator[Result]:
    """Measure cold reads and batches."""
    with ExitStack() as servers:
        aws = servers.enter_context(tacenda.testing.moto())
        azure = servers.enter_context(tacenda.testing.azure_key_vault())
        gcp = servers.enter_context(tacenda.testing.gcp_secret_manager(tls=True))
        aws.client().create_secret(Name="bench", SecretString="example-value")
        azure.client().set_secret("bench", "example-value")
        gcp.put("bench", b"example-value")
        for cloud in (
            _Cloud("AWS", "provider: aws_secretsmanager", _BOTO3, aws.environment()),
            _Cloud(
                "Azure",
                f"provider: azure_keyvault, vault_url: '{azure.url}'",
                _AZURE,
                {**azure.environment("adfs"), "VAULT": azure.url},
            ),
            _Cloud(
                "GCP",
                f"provider: gcp_secretmanager, api_endpoint: '{gcp.endpoint}'",
                _GCP,
                {**gcp.environment("service_account"), "ENDPOINT": gcp.endpoint},
            ),
        ):
            yield _cold(cloud)
        yield _many(aws)


def _cold(cloud: _Cloud) -> Result:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "tacenda.yaml").write_text(f"stacks:\n  prod:\n    secrets: {{{cloud.entry}}}\n")
        environment = {**os.environ, **cloud.environment, "HOME": directory}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        cold = interleaved(
            lambda: process(_OURS, environment, directory), lambda: process(cloud.bare, environment, directory), 40
        )
    return Result(
        f"cold process, one {cloud.name} secret, `tacenda.yaml` discovered; peer: the bare SDK",
        "≤ 1.10 ×",
        f"{cold.ratio:.2f} × (minima {cold.best_ratio:.2f} ×)",
        cold.detail(),
        cold.ratio <= 1.10,
    )


def _many(aws: Moto) -> Result:
    names = [f"many/{number}" for number in range(SECRETS)]
    client = aws.client()
    for name in names:
        client.create_secret(Name=name, SecretString="example-value")
    with slow_gateway(aws.url) as (url, _):
        pair = _batches_over_singles(aws, names, url)
    return Result(
        f"{SECRETS} AWS secrets through a proxy that adds {DELAY * 1e3:.0f} ms, with the grant for batches; "
        "peer: sequential boto3",
        "≤ 1/15",
        f"1/{1 / pair.ratio:.1f}",
        pair.detail(),
        pair.ratio <= 1 / 15,
    )


def _batches_over_singles(aws: Moto, names: list[str], url: str) -> Pair:
    os.environ.update(aws.environment())  # the login; the endpoint is the gateway's
    client = aws.client(endpoint_url=url)
    config = {"stacks": {"bench": {"secrets": {"provider": "aws_secretsmanager", "endpoint_url": url}}}}

    def batches() -> None:
        with tacenda.open_store(config=config) as store:  # with nothing in its cache; the connection is a shared one
            store.get_many(names)

    def sequential() -> None:
        for name in names:
            client.get_secret_value(SecretId=name)

    with tacenda.open_store(config=config) as connected:
        connected.get(names[0])
        return interleaved(lambda: timed(batches), lambda: timed(sequential), 11)
