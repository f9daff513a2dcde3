"""The provider `github` outside Actions: the real PyGithub writes, lists and deletes over a socket (S3.14)."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from stub_server import Stub, running

import tacenda
from tacenda import Secret, reveal
from tacenda._reference import parse_reference
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    InvalidReference,
    MissingDependency,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.masking import Masker
from tacenda.providers.github import GithubProvider
from tacenda.testing import GithubSecrets, github_secrets
from tacenda.testing._certificates import Certificates
from tacenda.testing._conformance._base import refused

SECRETS = "/repos/example-org/example-repo/actions/secrets"


@pytest.fixture(scope="module")
def server() -> Iterator[GithubSecrets]:
    with github_secrets() as running_server:
        yield running_server


@pytest.fixture(autouse=True)
def _empty(server: GithubSecrets) -> None:
    server.reset()


def settings(server: GithubSecrets, **more: Any) -> dict[str, Any]:
    return {"repository": server.repository, "api_url": server.url, "token": server.token, **more}


def provider(server: GithubSecrets, **more: Any) -> GithubProvider:
    chosen = settings(server, **more)
    return GithubProvider({name: value for name, value in chosen.items() if value is not None}, Path())


def store(server: GithubSecrets, deadline: float = 10.0, **more: Any) -> tacenda.SecretStore:
    entry = {"provider": "github", **settings(server, **more)}
    return tacenda.open_store(config={"stacks": {"x": {"secrets": entry, "deadline": deadline}}})


# -- writing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["example", "  spaces \n", "zażółć-🔑", '{ "API_KEY":  "x" }\n'])
def test_the_exact_text_arrives(server: GithubSecrets, value: str) -> None:
    """What a workflow will get is the text to the letter, sealed on its way."""
    with store(server) as github:
        info = github.set("api-key", value)
    assert server.value("API_KEY") == value
    assert (info.name, info.backend) == ("api-key", "github")
    assert server.requests == [f"GET {SECRETS}/public-key", f"PUT {SECRETS}/API_KEY"]


def test_a_bundle_arrives_as_json(server: GithubSecrets) -> None:
    """Several keys are one JSON object, which a job reads as keys again."""
    with store(server) as github:
        github.set("api-keys", {"API_KEY": "example-ü", "PORT": 5432, "none": None})
    assert server.value("API_KEYS") == '{"API_KEY": "example-ü", "PORT": 5432, "none": null}'


def test_a_second_write_replaces(server: GithubSecrets) -> None:
    """The last value counts, and the times tell that it was changed."""
    with store(server) as github:
        github.set("token", "first")
        github.set("token", "second")
        info = github.info("token")
    assert server.value("TOKEN") == "second"
    assert server.names() == ["TOKEN"]
    assert info.created
    assert info.created <= str(info.updated)


def test_an_environments_secrets(server: GithubSecrets) -> None:
    """With `environment`, the secrets are the deployment environment's, apart from the repository's."""
    with store(server, environment="production") as production, store(server) as repository:
        production.set("token", "example-production")
        assert [info.name for info in production.list()] == ["TOKEN"]
        assert list(repository.list()) == []
        assert server.value("TOKEN", environment="production") == "example-production"
        production.delete("token")
    assert server.names(environment="production") == []


def test_an_organisations_secrets(server: GithubSecrets) -> None:
    """A new secret of an organisation is for its private repositories, as with `gh`, unless set otherwise."""
    with store(server, repository=None, organization="example-org") as private:
        private.set("token", "example-value")
        private.set("token", "example-second")
    assert server.value("TOKEN", organization=True) == "example-second"
    assert server._organization.item("TOKEN")["visibility"] == "private"
    with store(server, repository=None, organization="example-org", visibility="all") as everybody:
        everybody.set("token", "example-third")
    assert server._organization.item("TOKEN")["visibility"] == "all"


def test_a_new_value_shows_a_secret_to_nobody_else(server: GithubSecrets) -> None:
    """Who may read an organisation's secret stays as it is, and selected repositories are never widened."""
    home = server._organization
    with store(server, repository=None, organization="example-org") as github:
        github.set("token", "example-value")
        home.item("TOKEN")["visibility"] = "all"
        github.set("token", "example-second")
        assert home.item("TOKEN")["visibility"] == "all"
        home.item("TOKEN")["visibility"] = "selected"
        error = refused(Unsupported, lambda: github.set("token", "example-third"), "example-third")
    assert "gh secret set" in str(error)
    assert server.value("TOKEN", organization=True) == "example-second"


def test_threads_do_not_mix_up_requests(server: GithubSecrets) -> None:
    """16 threads that write through one client each write their own secret."""
    values = {f"KEY_{number}": f"example-value-{number}" for number in range(48)}
    with store(server) as github, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: github.set(name, values[name]), values))
    assert {name: server.value(name) for name in server.names()} == values


@pytest.mark.parametrize(
    ("value", "why"), [(b"\xff\x00", "bytes"), ("", "empty"), ("x" * (48 * 1024 + 1), "49152 bytes")]
)
def test_what_github_cannot_keep(server: GithubSecrets, value: Any, why: str) -> None:
    """Bytes, an empty text and more than 48 KB are refused before anything is sent, with the reason."""
    with store(server) as github:
        error = refused(Unsupported, lambda: github.set("token", value), *([value] if len(value) > 2 else []))
    assert why in str(error)
    assert server.requests == []


def test_the_largest_value(server: GithubSecrets) -> None:
    """48 KB are fine."""
    with store(server) as github:
        github.set("token", "x" * 48 * 1024)
    assert len(server.value("TOKEN")) == 48 * 1024


# -- what the API cannot do --------------------------------------------------------------------------


def test_reading_outside_actions_is_refused_with_the_reason(server: GithubSecrets) -> None:
    """The API gives no value back: the error says so and what to do, and nobody is asked."""
    with store(server) as github:
        error = refused(Unsupported, lambda: github.get("token"))
        refused(Unsupported, lambda: github.get("token", default=None))
    assert "never gives one back" in str(error)
    assert "workflow" in str(error.hint)
    assert server.requests == []


def test_everything_else_is_refused_with_the_reason(server: GithubSecrets) -> None:
    """Versions, tags, create-only and single keys: each says why not."""
    with store(server) as github:
        github.set("token", "example-value")
        sent = len(server.requests)
        refused(Unsupported, lambda: github.get("token", version="1"))
        refused(Unsupported, lambda: github.set("token", "example-new", tags={"owner": "me"}), "example-new")
        assert "no such condition" in str(refused(Unsupported, lambda: github.set("token", "x", create=True)))
        assert "never gives the other keys" in str(refused(Unsupported, lambda: github.update("token", {"A": "b"})))
        assert len(server.requests) == sent
    assert server.value("TOKEN") == "example-value"


def test_capabilities_say_so_beforehand(server: GithubSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a provider can do depends on where it runs."""
    can = provider(server).capabilities
    assert (can.write, can.delete, can.list, can.times) == (True,) * 4
    assert (can.create, can.update, can.versions, can.tags, can.binary, can.empty) == (False,) * 6
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    inside = provider(server).capabilities
    assert (inside.write, inside.delete, inside.list) == (False,) * 3


# -- listing, looking up, deleting -------------------------------------------------------------------


def test_list_in_pages(server: GithubSecrets) -> None:
    """All of an organisation's 250 secrets are listed, 100 a page; a prefix narrows it down, in GitHub's spelling."""
    with store(server, repository=None, organization="example-org") as github:
        key = server._organization.public_key()
        from github.PublicKey import encrypt

        sealed = {"key_id": key["key_id"], "encrypted_value": encrypt(key["key"], "x"), "visibility": "all"}
        for number in range(250):
            server._organization.put(f"KIT_{number:03}", dict(sealed))
        names = [info.name for info in github.list()]
        assert names == [f"KIT_{number:03}" for number in range(250)]
        assert len(server.requests) == 3
        assert [info.name for info in github.list("kit-24")] == names[240:]
        assert list(github.list("other")) == []


def test_the_stacks_prefix(server: GithubSecrets) -> None:
    """With `prefix`, a stack has the names that begin with it, and shows them without."""
    with store(server, prefix="ML_") as github, store(server) as everything:
        github.set("token", "example-value")
        everything.set("other", "example-value")
        assert [info.name for info in github.list()] == ["TOKEN"]
        assert [info.name for info in everything.list()] == ["ML_TOKEN", "OTHER"]


def test_delete(server: GithubSecrets) -> None:
    """A deleted secret is gone, a second deletion says that it is missing, and the name can be used again."""
    with store(server) as github:
        github.set("token", "example-value")
        github.delete("token")
        error = refused(SecretNotFound, lambda: github.delete("token"), "example-value")
        refused(SecretNotFound, lambda: github.info("token"))
        assert "gh secret list --repo example-org/example-repo" in str(error.hint)
        github.set("token", "example-again")
    assert server.value("TOKEN") == "example-again"


def test_references(server: GithubSecrets) -> None:
    """`github://NAME` is in the stack's repository, `github://OWNER/REPO/NAME` in that one."""
    with store(server, repository="example-org/other") as github:
        github.set("github://example-org/example-repo/api-key", "example-value")
        assert server.value("API_KEY") == "example-value"
        refused(AccessDenied, lambda: github.set("github://api-key", "example-value"))
        refused(InvalidReference, lambda: github.set("github://example-org/api-key", "example-value"))
    reference = parse_reference("github://example-org/example-repo/api-keys#KEY")
    assert reference
    assert provider(server).place_of(reference) == ("example-org/example-repo/API_KEYS", ("KEY",))


@pytest.mark.parametrize("name", ["1key", "GITHUB_TOKEN", "github-token", "1/2"])
def test_names_that_github_refuses(server: GithubSecrets, name: str) -> None:
    """An illegal name is refused here, in words that say what is legal."""
    with store(server) as github:
        error = refused(InvalidReference, lambda: github.set(name, "example-value"), "example-value")
    assert "GITHUB_" in str(error)


# -- settings ----------------------------------------------------------------------------------------


def test_missing_settings_are_named(server: GithubSecrets) -> None:
    """Without a repository or a token, the error names the setting and the variable (S0.15)."""
    assert "repository" in str(refused(ConfigurationError, lambda: provider(server, repository=None).check()))
    error = refused(ConfigurationError, lambda: provider(server, token=None).check())
    assert "GH_ENTERPRISE_TOKEN" in str(error.hint)
    error = refused(ConfigurationError, lambda: GithubProvider({"repository": "a/b"}, Path()).check())
    assert "GH_TOKEN" in str(error.hint)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"repository": "no-owner"}, "OWNER/REPO"),
        ({"repository": "a/b/../c"}, "OWNER/REPO"),
        ({"repository": "../orgs"}, "OWNER/REPO"),
        ({"repository": "a/.."}, "OWNER/REPO"),
        ({"organization": "example-org"}, "excludes"),
        ({"repository": None, "organization": "a/b"}, "organisation"),
        ({"repository": None, "organization": "example-org", "visibility": "selected"}, "visibility"),
        ({"visibility": "all"}, "organization"),
    ],
)
def test_settings_that_mean_nothing(server: GithubSecrets, more: dict[str, Any], word: str) -> None:
    """Whose secrets they are is said once and well, or refused before anybody is asked."""
    assert word in str(refused(ConfigurationError, lambda: provider(server, **more).check()))
    assert server.requests == []


@pytest.mark.parametrize("url", ["http://github.example.com/api/v3", "ftp://x", "https://user:pw@github.example.com"])
def test_addresses_that_are_refused(url: str) -> None:
    """A token never travels in clear text over a network, and no address holds credentials."""
    error = refused(ConfigurationError, lambda: GithubProvider({"api_url": url}, Path()))
    assert "user:pw" not in str(error)
    assert "api_url" in str(error)


def test_http_on_purpose() -> None:
    """`allow_http` opts out of TLS."""
    given = {"api_url": "http://github.example.com/api/v3", "allow_http": True, "organization": "example-org"}
    assert GithubProvider(given, Path()).describe() == "GitHub at github.example.com (example-org)"


def test_login_by_variables(server: GithubSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of `gh` log in, and say which repository."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    provider(server, token=None, repository=None).write("TOKEN", "example-value")
    assert server.value("TOKEN") == "example-value"


def test_a_token_for_github_goes_nowhere_else(server: GithubSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `gh`, GH_TOKEN and GITHUB_TOKEN are for github.com: another server never sees them."""
    monkeypatch.setenv("GH_TOKEN", server.token)
    monkeypatch.setenv("GITHUB_TOKEN", server.token)
    refused(ConfigurationError, lambda: provider(server, token=None).check())
    assert server.requests == []


@pytest.mark.parametrize("token", ["example\ntoken", "example-tokeń"])
def test_a_token_that_no_request_can_carry(server: GithubSecrets, token: str) -> None:
    """A token with a line break or a letter of no token is the configuration's fault, not the network's."""
    error = refused(ConfigurationError, lambda: provider(server, token=token).check(), token)
    assert "gh auth token" in str(error.hint)
    assert server.requests == []


def test_whose_secrets_messages_name(server: GithubSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """GH_REPO is named where it is meant, and not beside an organisation."""
    monkeypatch.setenv("GH_REPO", "example-org/other")
    where = f"GitHub at {server.url.removeprefix('http://')}"
    assert provider(server, repository=None).describe() == f"{where} (example-org/other)"
    assert provider(server, environment="production").describe() == f"{where} ({server.repository}, production)"
    assert provider(server, repository=None, organization="example-org").describe() == f"{where} (example-org)"


def test_a_token_in_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration file holds settings only."""
    file = tmp_path / "tacenda.yaml"
    file.write_text("stacks: {x: {secrets: {provider: github, repository: a/b, token: example-token}}}\n")
    monkeypatch.setenv("TACENDA_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match="holds a credential"):
        tacenda.open_store()


def test_github_enterprise(server: GithubSecrets) -> None:
    """An address with a path, as GitHub Enterprise Server has it, works."""
    enterprise = provider(server, api_url=f"{server.url}/api/v3")
    enterprise.write("TOKEN", "example-value")
    assert server.requests[-1] == f"PUT /api/v3{SECRETS}/TOKEN"


# -- failures ----------------------------------------------------------------------------------------


def test_check_asks_for_the_key_only(server: GithubSecrets) -> None:
    """`tacenda check` makes sure of address, token and permission, and touches no secret."""
    provider(server).check()
    assert server.requests == [f"GET {SECRETS}/public-key"]
    error = refused(AccessDenied, lambda: provider(server, token="example-wrong").check(), "example-wrong")
    assert "Bad credentials" in str(error)
    assert "gh auth status" in str(error.hint)
    assert "permission" not in str(error.hint)


def test_denied_is_not_missing(server: GithubSecrets) -> None:
    """Without the permission it is AccessDenied, with what GitHub said and what to check."""
    with store(server) as github:
        github.set("token", "example-value")
        with server.denied():
            for call in (
                lambda: github.set("token", "example-new"),
                lambda: github.delete("token"),
                lambda: list(github.list()),
                lambda: github.info("token"),
            ):
                error = refused(AccessDenied, call, "example-new", server.token)
                assert "Resource not accessible" in str(error)
                assert "gh auth status" in str(error.hint)
    assert server.value("TOKEN") == "example-value"


def test_hidden_is_not_missing(server: GithubSecrets) -> None:
    """GitHub answers 404 for what a token may not see: that is denied, and never a missing secret."""
    with store(server) as github, server.hidden():
        for call in (lambda: github.delete("token"), lambda: github.info("token"), lambda: list(github.list())):
            assert "may not see it" in str(refused(AccessDenied, call))


def test_a_throttled_call_is_repeated_when_github_says(server: GithubSecrets) -> None:
    """A secondary limit with Retry-After is waited for, without anybody noticing."""
    with store(server) as github, server.throttled(0.8, retry_after=1):
        github.set("token", "example-value")
    assert server.value("TOKEN") == "example-value"


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        ({"retry_after": 7}, (7, 7)),
        ({"primary": True}, (2, 4)),
        ({}, (60, 60)),
    ],
)
def test_throttled_says_when_to_come_back(
    server: GithubSecrets, fault: dict[str, Any], wait: tuple[float, float]
) -> None:
    """Retry-After, else the reset of the hourly limit, else a minute: each is Throttled and not AccessDenied."""
    with server.throttled(3, **fault):
        error = refused(Throttled, lambda: provider(server).write("TOKEN", "example-value"), "example-value")
    assert error.retry_for == 180
    assert wait[0] - 1 <= (error.retry_after or 0) <= wait[1]


def test_down_and_back(server: GithubSecrets) -> None:
    """A server that is away is unavailable, not missing; when it is back, the same client works."""
    github = provider(server)
    github.write("TOKEN", "example-value")
    with server.down():
        error = refused(BackendUnavailable, lambda: github.write("TOKEN", "example-new"), "example-new", server.token)
        assert error.retry_for == 10
        assert "refused" in str(error)
    github.write("TOKEN", "example-again")
    assert server.value("TOKEN") == "example-again"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_unavailable_is_worth_waiting_for(server: GithubSecrets, status: int) -> None:
    """GitHub's own trouble is repeated by the store, for up to three minutes."""
    with server.unavailable(60, status):
        assert refused(BackendUnavailable, lambda: provider(server).check()).retry_for == 180


def test_the_token_is_never_repeated_by_the_sdk(server: GithubSecrets) -> None:
    """A request that fails is sent once: repeating is the store's, by deadline."""
    with server.unavailable(60):
        refused(BackendUnavailable, lambda: provider(server).check())
    assert len(server.requests) == 1


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running(Stub()) as server:
        yield server


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>login</html>", BackendUnavailable),
        (404, b"<html>nothing here</html>", BackendUnavailable),
        (403, b"<html>proxy</html>", BackendUnavailable),
        (301, b'{"message": "Moved Permanently"}', BackendUnavailable),
        (500, b"", BackendUnavailable),
        (422, b'{"message": "example reason"}', Unsupported),
    ],
)
def test_answers_that_mean_nothing(stub: Stub, status: int, body: bytes, kind: type[SecretError]) -> None:
    """A login page or a stranger's 404 is not taken for GitHub's word, and what GitHub cannot do is Unsupported."""
    stub.status, stub.body = status, body
    given = {"repository": "a/b", "api_url": stub.url, "token": "example-token"}
    for call in (
        lambda github: github.check(),
        lambda github: github.delete("X"),
        lambda github: list(github.list("")),
    ):
        refused(kind, lambda call=call: call(GithubProvider(given, Path())), "example-token")


def test_an_unknown_authority(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for gets no token, and the hint says where to name its authority."""
    with contextlib.closing(Certificates()) as certificates:
        stub.socket = certificates.server_context().wrap_socket(stub.socket, server_side=True)
        stub.scheme = "https"
        given = {"repository": "a/b", "api_url": stub.url, "token": "example-token"}
        error = refused(BackendUnavailable, lambda: GithubProvider(given, Path()).check(), "example-token")
        assert "certificate" in str(error)
        assert "REQUESTS_CA_BUNDLE" in str(error.hint)
        assert stub.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.ca_cert)
        stub.body = b'{"key_id": "1", "key": "example"}'
        GithubProvider(given, Path()).check()


def test_a_list_that_is_none(stub: Stub) -> None:
    """A list without its length is not taken for a whole one."""
    stub.body = b'{"secrets": [], "total_count": "many"}'
    given = {"repository": "a/b", "api_url": stub.url, "token": "example-token"}
    refused(BackendUnavailable, lambda: list(GithubProvider(given, Path()).list("")), "example-token")


def test_a_key_that_is_none(stub: Stub) -> None:
    """A public key that cannot seal is the server's fault, and the value is not shown."""
    stub.body = b'{"key_id": "1", "key": "bm9uZQ=="}'
    given = {"repository": "a/b", "api_url": stub.url, "token": "example-token"}
    refused(BackendUnavailable, lambda: GithubProvider(given, Path()).write("X", "example-value"), "example-value")


def test_a_redirect_takes_the_token_nowhere(stub: Stub) -> None:
    """A redirect to another host is an error; that host sees no request."""
    with running(Stub()) as other:
        stub.status, stub.headers = 301, {"Location": f"http://localhost:{other.server_address[1]}/x"}
        given = {"repository": "a/b", "api_url": stub.url, "token": "example-token"}
        error = refused(BackendUnavailable, lambda: GithubProvider(given, Path()).check(), "example-token")
        assert other.requests == []
    assert error.retry_for == 0
    assert "check api_url" in str(error.hint)


# -- in a process ------------------------------------------------------------------------------------


def test_the_token_is_masked(server: GithubSecrets, empty_registry: Masker) -> None:
    """Our own token is registered before it is used."""
    with store(server) as github:
        list(github.list())
    assert empty_registry.mask(f"token {server.token}") == "token [masked]"


def test_nothing_is_logged(server: GithubSecrets, caplog: pytest.LogCaptureFixture) -> None:
    """PyGithub's debug log shows neither the token nor the value."""
    with caplog.at_level(logging.DEBUG, "github"):
        provider(server).write("TOKEN", Secret("example-value"))
    assert "encrypted_value" in caplog.text
    assert "example-value" not in caplog.text
    assert server.token not in caplog.text


def test_no_sdk_at_import() -> None:
    """The provider's module imports no SDK, nor does opening a store."""
    program = (
        "import sys, tacenda.providers.github, tacenda\n"
        "tacenda.open_store(config={'stacks': {'x': {'secrets': {'provider': 'github', 'repository': 'a/b'}}}})\n"
        "assert not {'github', 'nacl', 'requests'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=dict(os.environ))


def test_without_the_sdk_the_message_names_the_extra(server: GithubSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyGithub the error says what to install (S0.14)."""
    monkeypatch.setitem(sys.modules, "github", None)
    error = refused(MissingDependency, lambda: provider(server).check())
    assert "tacenda[github]" in str(error)


def test_one_client_for_several_stores(server: GithubSecrets) -> None:
    """Stores with the same token share a client, and closing one leaves the other's."""
    one, two = provider(server), provider(server, prefix="ML_")
    assert one._client() is two._client()
    one.close()
    two.check()
    assert len(server.requests) == 1


def test_after_a_fork(server: GithubSecrets) -> None:
    """A forked child writes with a client of its own."""
    with store(server) as github:
        github.set("parent", "example-parent")
        child = os.fork()
        if child == 0:
            try:
                github.set("child", "example-child")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        github.set("parent", "example-after")
    assert [server.value(name) for name in server.names()] == ["example-child", "example-after"]


def test_a_value_as_secret(server: GithubSecrets) -> None:
    """Values of tacenda's own types are written as what they are."""
    with store(server) as github:
        github.set("token", Secret("example-value"))
    assert reveal(server.value("TOKEN")) == "example-value"
