"""Files, then Vault, then AWS: what an outage of the middle one does to each name, on real servers."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from programs import places_of, run

from tacenda import SecretStore, errors, open_store, reveal
from tacenda.testing import Gateway, Moto, OpenBao, moto, openbao

EXAMPLE = Path(__file__).parents[2] / "examples" / "chain"
REGION = "eu-central-1"


class Line(NamedTuple):
    """The servers behind the chain, each with a gateway that counts what it is asked and can be taken away."""

    vault: OpenBao
    vault_gateway: Gateway
    aws: Moto
    aws_gateway: Gateway

    def forget_requests(self) -> None:
        self.vault_gateway.requests.clear()
        self.aws_gateway.requests.clear()


@pytest.fixture(scope="module")
def servers() -> Iterator[Line]:
    with openbao() as vault, moto() as aws, Gateway(vault.url) as first, Gateway(aws.url) as second:
        line = Line(vault, first, aws, second)
        documents = vault.client().secrets.kv.v2
        documents.create_or_update_secret("db-credentials", {"PASSWORD": "example-password"})
        documents.create_or_update_secret("both", {"FROM": "example-vault"})
        client = aws.client(region_name=REGION)
        client.create_secret(Name="api-keys", SecretString='{"API_KEY": "example-api-key"}')
        client.create_secret(Name="both", SecretString='{"FROM": "example-aws"}')
        yield line


@pytest.fixture
def line(servers: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The servers, and the environment that leads the example's own configuration to them."""
    for name, value in servers.aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", servers.aws_gateway.url)
    monkeypatch.setenv("VAULT_ADDR", servers.vault_gateway.url)
    monkeypatch.setenv("VAULT_TOKEN", servers.vault.token)
    servers.forget_requests()
    return servers


def chain(directory: Path, cache_ttl: float) -> SecretStore:
    """Return the store of the example's own configuration, beside a mounted file, with another time to live."""
    (directory / "mounted").mkdir(exist_ok=True)
    (directory / "mounted" / "signing-key").write_text("example-signing-key")
    config = yaml.safe_load((EXAMPLE / "tacenda.yaml").read_text())
    config["stacks"]["prod"] |= {"cache_ttl": cache_ttl, "deadline": 0}
    (directory / "tacenda.yaml").write_text(yaml.safe_dump(config))
    return open_store(config=directory / "tacenda.yaml")


def test_the_first_that_has_it(line, tmp_path):
    """Each name comes from the first place that has it, and the places behind that one are not asked."""
    with chain(tmp_path, 0) as store:
        assert store.get("signing-key") == "example-signing-key"
        assert not line.vault_gateway.requests
        assert store.get("db-credentials", "PASSWORD") == "example-password"
        assert store.get("both", "FROM") == "example-vault"
        assert not line.aws_gateway.requests
        assert store.get("api-keys", "API_KEY") == "example-api-key"
        assert line.aws_gateway.requests == ["POST /"]


def test_an_outage_in_the_middle_never_skips_it(line, tmp_path):
    """With Vault down files serve on; a name that must pass Vault is an error, and AWS is not even asked for it.

    AWS has `both` too, but another value: to take it because Vault cannot be asked would be wrong, silently.
    """
    with chain(tmp_path, 0) as store, line.vault_gateway.down():
        assert store.get("signing-key") == "example-signing-key"
        for name in ("db-credentials", "both", "api-keys", "nowhere"):
            with pytest.raises(errors.BackendUnavailable, match="vault"):
                store.get(name)
            with pytest.raises(errors.BackendUnavailable):
                store.get(name, default=None)
        with pytest.raises(errors.BackendUnavailable) as failure:
            store.get_many(["signing-key", "api-keys"])
        assert list(failure.value.failures) == ["api-keys"]
        assert not line.aws_gateway.requests
        assert store.get("aws://api-keys", "API_KEY") == "example-api-key"  # a reference goes past the chain


def test_missing_is_told_only_when_all_were_asked(line, tmp_path):
    """With all three up, a name that none has is missing, and the error lists the three."""
    with chain(tmp_path, 0) as store, pytest.raises(errors.SecretNotFound) as miss:
        store.get("nowhere")
    assert [place.partition("://")[0] for place in miss.value.tried] == ["files", "vault", "aws"]


def test_what_was_read_serves_stale(line, tmp_path, caplog):
    """What Vault served before its outage goes on to serve, with a warning; what only AWS has does not.

    Only Vault could tell whether it has that name by now.
    """
    with chain(tmp_path, 0.001) as store:
        before = {name: reveal(store.get(name)) for name in ("db-credentials", "api-keys")}
        with line.vault_gateway.down(), caplog.at_level(logging.WARNING, "tacenda"):
            assert reveal(store.get("db-credentials")) == before["db-credentials"]
            assert "vault://secret/db-credentials cannot be asked now; an earlier read serves" in caplog.text
            with pytest.raises(errors.BackendUnavailable):
                store.get("api-keys")
            with pytest.raises(errors.BackendUnavailable):
                store.get("db-credentials", fresh=True)
        assert reveal(store.get("api-keys")) == before["api-keys"]


def test_the_last_one_out(line, tmp_path):
    """With AWS down, names that files or Vault have are read as ever."""
    with chain(tmp_path, 0) as store, line.aws_gateway.down():
        assert store.get("signing-key") == "example-signing-key"
        assert store.get("both", "FROM") == "example-vault"
        with pytest.raises(errors.BackendUnavailable, match="aws"):
            store.get("api-keys")


def test_the_page_shows_what_happens(examples, tmp_path):
    """The program of the page prints what the page shows, line by line, and no value."""
    page = (EXAMPLE / "README.md").read_text()
    [shown] = re.findall(r"(?s)It shows:\n\n```\n(.*?)```", page)
    done = run("python", examples / "chain" / "outage.py", home=tmp_path)
    assert done.returncode == 0, done.stdout
    address = re.compile(r"http://127\.0\.0\.1:\d+")
    assert address.sub("http://127.0.0.1:8200", done.stdout).strip() == shown.strip()
    assert places_of("example-", output=done.stdout) == []
