"""Logging in to Vault by every method, against a real OpenBao, and what happens when a login ends (S0.26–S0.30)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from stub_server import Request, Stub, running
from vault_lab import VaultLab

from tacenda.errors import AccessDenied, BackendUnavailable, ConfigurationError, Throttled
from tacenda.providers.vault import VaultProvider
from tacenda.testing._conformance._base import refused

THREADS = 16


@pytest.fixture(autouse=True)
def _secret(lab: VaultLab) -> None:
    lab.put("api-keys", value="example")


def read(vault: VaultProvider) -> Any:
    return vault.read(vault.path_of("api-keys")).value


def bare(lab: VaultLab, **settings: Any) -> VaultProvider:
    """Return a provider without credentials in its settings."""
    return lab.provider(token=None, **settings)


def token_file(text: str) -> None:
    Path("~/.vault-token").expanduser().write_text(text)


# -- which credentials -------------------------------------------------------------------------------


def test_token_from_the_environment(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """VAULT_TOKEN is enough (S0.26)."""
    monkeypatch.setenv("VAULT_TOKEN", lab.token())
    assert read(bare(lab)) == "example"


def test_token_that_vault_login_left(lab: VaultLab) -> None:
    """Without any variable, the token of `vault login` serves, final newline or not."""
    token_file(f"{lab.token()}\n")
    assert read(bare(lab)) == "example"


def test_no_credentials(lab: VaultLab) -> None:
    """With nothing to log in with, the message says what to set, and nothing was sent."""
    error = refused(ConfigurationError, lambda: read(bare(lab)))
    for way in ("VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "vault login", "auth"):
        assert way in str(error)
    assert lab.gateway.requests == []


def test_order_without_auth(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """VAULT_TOKEN comes before AppRole's two variables, these before the file of `vault login`."""
    monkeypatch.setenv("VAULT_ROLE_ID", "example-role")
    token_file("example-unknown-token")
    monkeypatch.setenv("VAULT_SECRET_ID", "example-secret-id")
    assert refused(AccessDenied, lambda: read(bare(lab))).message.count("approle") == 2
    monkeypatch.setenv("VAULT_TOKEN", lab.token())
    assert read(bare(lab)) == "example"


def test_an_explicit_method_wins(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auth: approle` is AppRole even where VAULT_TOKEN is set."""
    monkeypatch.setenv("VAULT_TOKEN", "example-unknown-token")
    assert read(bare(lab, auth=lab.approle())) == "example"


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("approle", "role_id"),
        ("userpass", "username"),
        ({"method": "userpass", "username": "me"}, "password"),
        ("jwt", "role"),
        ({"method": "jwt", "role": "example"}, "jwt"),
        ("kubernetes", "role"),
    ],
)
def test_incomplete_auth(lab: VaultLab, auth: Any, missing: str) -> None:
    """What a method lacks is named, with its setting and its variable."""
    error = refused(ConfigurationError, lambda: read(bare(lab, auth=auth)))
    assert repr(missing) in str(error)
    assert f"VAULT_{missing.upper()}" in str(error)


def test_credentials_are_protected_before_they_are_sent(lab: VaultLab) -> None:
    """The secret id and the token are told to the masker before the server sees them."""
    events: list[str] = []
    auth = lab.approle()
    vault = bare(lab, auth=auth)
    vault.protect = lambda value, label: events.append(f"{label}, {len(lab.gateway.requests)} requests before")
    assert read(vault) == "example"
    assert events == ["Vault secret_id, 0 requests before", "Vault token, 1 requests before"]


# -- the methods -------------------------------------------------------------------------------------


def test_approle(lab: VaultLab) -> None:
    """AppRole logs in once, then reads (S0.28)."""
    vault = bare(lab, auth=lab.approle())
    assert read(vault) == "example"
    assert read(vault) == "example"
    assert lab.logins() == 1


def test_approle_from_the_environment(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """VAULT_ROLE_ID and VAULT_SECRET_ID are enough; a mount of another name is a setting (S0.28)."""
    auth = lab.approle()
    monkeypatch.setenv("VAULT_ROLE_ID", auth["role_id"])
    monkeypatch.setenv("VAULT_SECRET_ID", auth["secret_id"])
    assert read(bare(lab, auth={"method": "approle", "mount": auth["mount"]})) == "example"


def test_approle_credentials_beside_auth(lab: VaultLab) -> None:
    """In a mapping given in code the secret id may also stand beside `auth`."""
    auth = lab.approle()
    secret_id = auth.pop("secret_id")
    assert read(bare(lab, auth=auth, secret_id=secret_id)) == "example"


def test_approle_without_secret_id(lab: VaultLab) -> None:
    """A role that asks for no secret id gets none."""
    auth = lab.approle(bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"])
    assert read(bare(lab, auth=auth)) == "example"


def test_batch_tokens(lab: VaultLab) -> None:
    """A role that issues batch tokens works."""
    assert read(bare(lab, auth=lab.approle(token_type="batch"))) == "example"


def test_wrong_secret_id(lab: VaultLab) -> None:
    """A refused login is denied, not missing, and does not repeat the secret id."""
    auth = {**lab.approle(), "secret_id": "example-wrong-id"}
    error = refused(AccessDenied, lambda: read(bare(lab, auth=auth)), "example-wrong-id")
    assert f"auth/{auth['mount']}" in str(error)


def test_unknown_auth_mount(lab: VaultLab) -> None:
    """A login at a mount that does not exist is denied, and the message hints at the list of mounts."""
    error = refused(AccessDenied, lambda: read(bare(lab, auth={**lab.approle(), "mount": "nowhere"})))
    assert "vault auth list" in str(error)


def test_userpass(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and a password, by setting and variable; a wrong password is denied and not repeated (S0.30)."""
    mount = f"userpass-{lab.id}"
    lab.api(f"sys/auth/{mount}", type="userpass")
    lab.api(f"auth/{mount}/users/me", password="example-password", token_policies=[lab.policy()])
    monkeypatch.setenv("VAULT_PASSWORD", "example-password")
    auth = {"method": "userpass", "mount": mount, "username": "me"}
    assert read(bare(lab, auth=auth)) == "example"
    monkeypatch.setenv("VAULT_USERNAME", "me")
    assert read(bare(lab, auth={"method": "userpass", "mount": mount})) == "example"
    wrong = {**auth, "password": "example-wrong"}
    refused(AccessDenied, lambda: read(bare(lab, auth=wrong)), "example-wrong")


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def sign(signer: rsa.RSAPrivateKey) -> Callable[..., str]:
    """Return a function that signs a JWT; claims override what an identity provider says by default."""

    def signed(**claims: Any) -> str:
        now = int(time.time())
        default = {"iss": "example", "sub": "job", "aud": "vault", "iat": now, "nbf": now - 5, "exp": now + 600}
        return jwt.encode({**default, **claims}, signer, algorithm="RS256")

    return signed


@pytest.fixture
def jwt_auth(lab: VaultLab, signer: rsa.RSAPrivateKey) -> dict[str, str]:
    """The setting `auth` of a JWT mount that trusts `signer`."""
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mount = f"jwt-{lab.id}"
    lab.api(f"sys/auth/{mount}", type="jwt")
    lab.api(f"auth/{mount}/config", jwt_validation_pubkeys=[public.decode()])
    lab.api(
        f"auth/{mount}/role/example",
        role_type="jwt",
        user_claim="sub",
        bound_audiences=["vault"],
        token_policies=[lab.policy()],
    )
    return {"method": "jwt", "mount": mount, "role": "example"}


def test_jwt(
    lab: VaultLab,
    jwt_auth: dict[str, str],
    sign: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A JWT from VAULT_JWT, or from the file that a CI system keeps fresh (S0.30)."""
    monkeypatch.setenv("VAULT_JWT", sign())
    assert read(bare(lab, auth=jwt_auth)) == "example"
    monkeypatch.delenv("VAULT_JWT")
    file = tmp_path / "token.jwt"
    vault = bare(lab, auth={**jwt_auth, "jwt_path": str(file)})
    refused(ConfigurationError, lambda: read(vault))
    file.write_text(sign())
    assert read(vault) == "example"


def test_expired_jwt(lab: VaultLab, jwt_auth: dict[str, str], sign: Callable[..., str]) -> None:
    """An expired JWT is denied, and not repeated in the message."""
    token = sign(exp=int(time.time()) - 3600, nbf=0, iat=0)
    refused(AccessDenied, lambda: read(bare(lab, auth=jwt_auth, jwt=token)), token)


class TokenReview(Stub):
    """The one Kubernetes API that Vault asks: whose service account token is this?"""

    known = ""

    def answer(self, request: Request) -> tuple[int, bytes]:
        review = json.loads(request.body)
        spec = review["spec"]
        review["status"] = {
            "authenticated": spec["token"] == self.known,
            "user": {"username": "system:serviceaccount:example:trainer", "uid": "1"},
            "audiences": spec.get("audiences", []),
        }
        return 201, json.dumps(review).encode()


@pytest.fixture
def cluster(lab: VaultLab) -> Iterator[TokenReview]:
    with running(TokenReview()) as server:
        mount = f"kubernetes-{lab.id}"
        lab.api(f"sys/auth/{mount}", type="kubernetes")
        lab.api(
            f"auth/{mount}/config",
            kubernetes_host=server.url,
            token_reviewer_jwt="example-reviewer",
            kubernetes_ca_cert=trustme.CA().cert_pem.bytes().decode(),
            disable_local_ca_jwt=True,
        )
        lab.api(
            f"auth/{mount}/role/example",
            bound_service_account_names=["trainer"],
            bound_service_account_namespaces=["example"],
            token_policies=[lab.policy()],
        )
        assert isinstance(server, TokenReview)
        yield server


def pod_token(sign: Callable[..., str]) -> str:
    account = {"namespace": "example", "serviceaccount": {"name": "trainer", "uid": "1"}}
    return sign(sub="system:serviceaccount:example:trainer", aud=["vault"], **{"kubernetes.io": account})


def test_kubernetes(
    lab: VaultLab,
    cluster: TokenReview,
    sign: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a pod the service account's token logs in, read anew for each login, as Kubernetes rotates it (S0.29)."""
    mounted = tmp_path / "token"
    monkeypatch.setattr("tacenda.providers._vault_auth._POD_TOKEN", str(mounted))
    monkeypatch.setenv("VAULT_ROLE", "example")
    mount = f"kubernetes-{lab.id}"
    vault = bare(lab, auth={"method": "kubernetes", "mount": mount})
    cluster.known = pod_token(sign)
    mounted.write_text(cluster.known)
    assert read(vault) == "example"
    cluster.known = pod_token(lambda **claims: sign(**claims, jti="rotated"))
    mounted.write_text(cluster.known)
    lab.revoke_logins(mount)
    assert read(vault) == "example"


def test_kubernetes_outside_a_pod(lab: VaultLab) -> None:
    """Without the pod's token file the message says so, and what else there is."""
    error = refused(ConfigurationError, lambda: read(bare(lab, auth={"method": "kubernetes", "role": "example"})))
    assert "/var/run/secrets/kubernetes.io/serviceaccount/token" in str(error)


# -- when a login ends -------------------------------------------------------------------------------


def test_an_expired_token_causes_one_login(lab: VaultLab) -> None:
    """16 threads that find the token expired log in once between them."""
    auth = lab.approle()
    vault = bare(lab, auth=auth)
    read(vault)
    lab.revoke_logins(auth["mount"])
    lab.gateway.requests.clear()
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda _: read(vault), range(THREADS))) == ["example"] * THREADS
    assert lab.logins() == 1


def test_a_cold_start_of_16_threads_is_one_login(lab: VaultLab) -> None:
    """16 threads that start together log in once between them."""
    vault = bare(lab, auth=lab.approle())
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda _: read(vault), range(THREADS))) == ["example"] * THREADS
    assert lab.logins() == 1


def test_a_short_lived_token(lab: VaultLab) -> None:
    """A token that runs out by itself is replaced when it is refused."""
    vault = bare(lab, auth=lab.approle(token_ttl="1s", token_max_ttl="1s"))
    assert read(vault) == "example"
    time.sleep(1.5)
    assert read(vault) == "example"
    assert lab.logins() == 2


def test_a_token_for_few_uses(lab: VaultLab) -> None:
    """A token that may be used twice serves any number of reads."""
    vault = bare(lab, auth=lab.approle(token_num_uses=2))
    assert [read(vault) for _ in range(6)] == ["example"] * 6


def test_denied_causes_no_login(lab: VaultLab) -> None:
    """A valid token that is denied a path is not replaced: a denied read must not cost a lease each time."""
    vault = bare(lab, auth=lab.approle())
    assert read(vault) == "example"
    with lab.denied("api-keys"):
        for _ in range(3):
            refused(AccessDenied, lambda: read(vault), "example")
    assert lab.logins() == 1


def test_a_static_token_is_read_again_when_refused(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """When an agent has renewed VAULT_TOKEN or the token file, a refused read picks the new one up."""
    old, new, newest = (lab.token() for _ in range(3))
    monkeypatch.setenv("VAULT_TOKEN", old)
    vault = bare(lab)
    assert read(vault) == "example"
    lab.api("auth/token/revoke", token=old)
    refused(AccessDenied, lambda: read(vault), old)
    monkeypatch.setenv("VAULT_TOKEN", new)
    assert read(vault) == "example"
    lab.api("auth/token/revoke", token=new)
    monkeypatch.delenv("VAULT_TOKEN")
    token_file(newest)
    assert read(vault) == "example"


def test_a_refused_token_is_not_repeated(lab: VaultLab) -> None:
    """An unknown token is one request and one clear error, without the token in it."""
    vault = lab.provider(token="example-unknown-token")
    error = refused(AccessDenied, lambda: read(vault), "example-unknown-token")
    assert "vault token lookup" in str(error.hint)
    assert len(lab.gateway.requests) == 1


def test_a_login_can_be_throttled_or_unavailable(lab: VaultLab) -> None:
    """A login that meets a quota or a sealed server is worth repeating; it is not denied."""
    auth = {"method": "approle", "role_id": "example-role", "secret_id": "example-secret-id"}
    with running(Stub()) as stub:
        for status, kind in ((429, Throttled), (503, BackendUnavailable), (200, BackendUnavailable)):
            stub.status = status
            error = refused(
                kind,
                lambda: VaultProvider({"vault_url": stub.url, "auth": auth}, Path()).read("secret/x"),
                "example-secret-id",
            )
            assert error.retry_for == (0 if status == 200 else 180)


# -- tacenda check -----------------------------------------------------------------------------------


def test_check_reads_no_secret(lab: VaultLab) -> None:
    """`check` proves address and credentials by a look at the token or a login, then the mount; it reads no secret."""
    mount = f"GET /v1/sys/internal/ui/mounts/{lab.mount}"
    lab.provider(token=lab.token()).check()
    assert lab.gateway.requests == ["GET /v1/auth/token/lookup-self", mount]
    lab.gateway.requests.clear()
    auth = lab.approle()
    bare(lab, auth=auth).check()
    assert lab.gateway.requests == [f"POST /v1/auth/{auth['mount']}/login", mount]


def test_check_finds_a_mount_that_is_not_there(lab: VaultLab) -> None:
    """A misspelled mount, and one of another KV version, are found before the first read."""
    error = refused(AccessDenied, lab.provider(vault_mount="misspelled").check)
    assert "there is no mount 'misspelled'" in str(error)
    other = 3 - lab.kv_version
    error = refused(ConfigurationError, lab.provider(kv_version=other).check)
    assert f"set `kv_version: {lab.kv_version}`" in str(error)


def test_check_fails_for_what_would_fail(lab: VaultLab) -> None:
    """A wrong token is denied, a server that is down unavailable."""
    refused(AccessDenied, lab.provider(token="example-unknown-token").check, "example-unknown-token")
    with lab.gateway.down():
        refused(BackendUnavailable, lab.provider().check)
