"""TLS to Vault: a private authority by setting or variable, and no way around a wrong one (S0.27)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from stub_server import Stub, running
from urllib3.exceptions import InsecureRequestWarning

from tacenda.errors import BackendUnavailable, ConfigurationError
from tacenda.providers.vault import VaultProvider
from tacenda.testing import OpenBao
from tacenda.testing._conformance._base import refused


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def _secret(bao_tls: OpenBao) -> None:
    bao_tls.client().secrets.kv.v2.create_or_update_secret("api-keys", {"value": "example"})


def provider(server: OpenBao, base: Path = Path(), **settings: Any) -> VaultProvider:
    return VaultProvider({"vault_url": server.url, "token": server.token, **settings}, base)


def test_authority_by_setting(bao_tls: OpenBao) -> None:
    """`ca_cert` names the authority."""
    assert provider(bao_tls, ca_cert=bao_tls.ca_cert).read("secret/api-keys").value == "example"


@pytest.mark.parametrize("variable", ["VAULT_CACERT", "REQUESTS_CA_BUNDLE"])
def test_authority_by_variable(bao_tls: OpenBao, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """VAULT_CACERT serves where `ca_cert` is not set, and requests' own variable behind it."""
    monkeypatch.setenv(variable, str(bao_tls.ca_cert))
    assert provider(bao_tls).read("secret/api-keys").value == "example"


def test_relative_authority(bao_tls: OpenBao) -> None:
    """A relative `ca_cert` starts at the directory of the configuration file."""
    file = Path(str(bao_tls.ca_cert))
    assert provider(bao_tls, file.parent, ca_cert=file.name).read("secret/api-keys").value == "example"


def test_unknown_authority(bao_tls: OpenBao) -> None:
    """A certificate that nobody vouches for is refused, and the message says where to name the authority."""
    error = refused(BackendUnavailable, lambda: provider(bao_tls).read("secret/api-keys"), bao_tls.token)
    assert "certificate" in str(error)
    assert "ca_cert (VAULT_CACERT)" in str(error.hint)


def test_wrong_authority(bao_tls: OpenBao, authority: trustme.CA, tmp_path: Path) -> None:
    """Another authority than the server's is refused."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    error = refused(BackendUnavailable, lambda: provider(bao_tls, ca_cert=str(file)).read("secret/api-keys"))
    assert error.retry_for == 10
    assert "certificate" in str(error)


def test_authority_that_is_not_there(bao_tls: OpenBao) -> None:
    """A `ca_cert` that does not exist is a configuration error that names the file."""
    error = refused(
        ConfigurationError, lambda: provider(bao_tls, Path("/example"), ca_cert="ca.pem").read("secret/api-keys")
    )
    assert "/example/ca.pem" in str(error)


def test_plain_http_to_a_tls_server(bao_tls: OpenBao) -> None:
    """Plain http to an https port is unavailable, no secret that is missing."""
    vault = VaultProvider({"vault_url": bao_tls.url.replace("https", "http"), "token": bao_tls.token}, Path())
    refused(BackendUnavailable, lambda: vault.read("secret/api-keys"))


def test_verification_can_be_skipped_by_variable_only(
    bao_tls: OpenBao, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VAULT_SKIP_VERIFY works and warns; a `ca_cert` in the configuration is stronger."""
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "true")
    with pytest.warns(InsecureRequestWarning):
        assert provider(bao_tls).read("secret/api-keys").value == "example"
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    refused(BackendUnavailable, lambda: provider(bao_tls, ca_cert=str(file)).read("secret/api-keys"))


@pytest.fixture
def tls_stub(authority: trustme.CA, tmp_path: Path) -> Iterator[Stub]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    stub = Stub()
    stub.socket = context.wrap_socket(stub.socket, server_side=True)
    stub.scheme = "https"
    with running(stub) as server:
        yield server


def test_no_redirect_takes_the_token_to_http(tls_stub: Stub, tmp_path: Path) -> None:
    """A redirect from https to http is not followed: the token stays here."""
    with running(Stub()) as target:
        tls_stub.status, tls_stub.headers = 307, {"Location": f"{target.url}/v1/secret/data/x"}
        settings = {"vault_url": tls_stub.url, "token": "example-token", "ca_cert": str(tmp_path / "ca.pem")}
        refused(BackendUnavailable, lambda: VaultProvider(settings, Path()).read("secret/x"))
        assert [request.line for request in tls_stub.requests] == ["GET /v1/secret/data/x"]
        assert target.requests == []
