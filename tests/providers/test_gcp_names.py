"""The provider `gcp_secretmanager`: settings, names, references and resource names; nothing is asked here."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacenda._errors import ConfigurationError, InvalidReference, Unsupported
from tacenda._reference import parse_reference
from tacenda._registry import entry
from tacenda.providers import Place
from tacenda.providers._gcp_names import SecretName, checked_version, endpoint, path_of, secret_name
from tacenda.providers._gcp_payload import encoded
from tacenda.providers._gcp_secrets import check_labels
from tacenda.providers.gcp import GcpProvider

REGIONAL = "secretmanager.europe-west3.rep.googleapis.com"
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)
PROJECTS = st.from_regex(r"[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,12}|example\.com:[a-z]{6}", fullmatch=True)
LOCATIONS = st.none() | st.from_regex(r"[a-z]{2,10}-[a-z]{4,9}[0-9]", fullmatch=True)
VERSIONS = st.none() | st.from_regex(r"[1-9][0-9]{0,5}|latest|[A-Za-z][A-Za-z0-9_-]{0,62}", fullmatch=True)


def provider(**settings: Any) -> GcpProvider:
    return GcpProvider({"project_id": "example-project", **settings}, Path())


def place(text: str, **settings: Any) -> Place:
    reference = parse_reference(text)
    assert reference is not None
    assert reference.backend == "gcp"
    return provider(**settings).place_of(reference)


# -- names and references ----------------------------------------------------------------------------


def test_a_name_is_a_secret_of_the_project() -> None:
    """A name, behind the prefix, is a secret of the configured project, and its label can be pasted back."""
    gcp = provider(prefix="ml-")
    (found,) = gcp.places("api_keys", "API_KEY")
    assert found == Place("example-project/ml-api_keys", ("API_KEY",))
    assert gcp.label(found) == "gcp://example-project/ml-api_keys#API_KEY"
    assert gcp.place_of(parse_reference(gcp.label(found))) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "team/db", "a.b", "a b", "ü", "x" * 256])
def test_names_that_cannot_be(name: str) -> None:
    """A name that Secret Manager has no spelling for is refused, never bent into another one."""
    with pytest.raises(InvalidReference):
        provider().places(name)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("gcp://api-keys", "example-project/api-keys"),
        ("gcp://other/api-keys", "other/api-keys"),
        ("gcp://other/locations/europe-west3/api-keys", "other/locations/europe-west3/api-keys"),
        ("gcp://projects/other/secrets/api-keys", "other/api-keys"),
        ("projects/other/secrets/api-keys", "other/api-keys"),
        ("projects/123456/secrets/api-keys/versions/7", "123456/api-keys"),
        ("projects/example.com:p/secrets/x", "example.com:p/x"),
        ("projects/other/locations/europe-west3/secrets/x", "other/locations/europe-west3/x"),
    ],
)
def test_short_and_full_resource_names(text: str, path: str) -> None:
    """References are short, with a project, regional, or the service's own resource names."""
    assert place(text).path == path


def test_keys_of_references() -> None:
    """`#KEY` leads into the secret."""
    assert place("projects/p1/secrets/x/versions/3#API_KEY") == Place("p1/x", ("API_KEY",))


@pytest.mark.parametrize(
    "text",
    ["gcp://a/b/c", "gcp://a/locations/b/c/d", "gcp://p/locations//x", "gcp://p/a%2Fb", "gcp://p q/x", "gcp://p/a.b"],
)
def test_references_that_name_no_secret(text: str) -> None:
    """What is neither a secret nor a resource name is refused before anything is asked."""
    with pytest.raises(InvalidReference):
        place(text)


@given(NAMES, PROJECTS, LOCATIONS)
def test_paths_are_reversible(name: str, project: str, location: str | None) -> None:
    """Every secret has one path, which leads back to it."""
    at = SecretName(project, location, name)
    assert secret_name(path_of(at), "another", None) == at


@given(NAMES, PROJECTS, LOCATIONS, VERSIONS)
def test_resource_names_are_references(name: str, project: str, location: str | None, version: str | None) -> None:
    """What the service calls a secret is a reference to it, with its version."""
    at = SecretName(project, location, name)
    text = at.resource + (f"/versions/{version}" if version else "")
    reference = parse_reference(text)
    assert reference is not None
    assert secret_name(reference.path, None, None) == at
    assert checked_version(reference.version, at) == (version or "latest")


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    """No text becomes a resource name other than its own."""
    try:
        at = secret_name(quote(text, safe=""), "example-project", None)
    except InvalidReference:
        return
    assert at.resource == f"projects/example-project/secrets/{text}"


@given(st.text(min_size=1, max_size=80))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    """No version reaches beyond the secret: no slash, no dot, nothing but numbers and aliases."""
    try:
        found = checked_version(text, SecretName("p", None, "x"))
    except InvalidReference:
        return
    assert found == text
    assert text.isascii()
    assert text.replace("-", "a").replace("_", "a").isalnum()


# -- settings ----------------------------------------------------------------------------------------


def test_project_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """GOOGLE_CLOUD_PROJECT serves where `project_id` is not set (S0.41)."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "from-environment")
    assert provider(project_id=None).path_of("x") == "from-environment/x"
    assert provider().path_of("x") == "example-project/x"


@pytest.mark.parametrize("written", [123456789012, "123456789012", "projects/123456789012"])
def test_a_project_by_its_number(written: Any) -> None:
    """A project's number does as well as its id, also as YAML reads it."""
    assert provider(project_id=written).path_of("x") == "123456789012/x"


def test_without_a_project_a_name_stands_alone() -> None:
    """Which project it is, the login will say."""
    assert provider(project_id=None).path_of("x") == "x"


@pytest.mark.parametrize("project", ["a/b", "projects/", "projects/p/secrets", "my project", "-p", "p?"])
def test_a_project_that_is_none(project: str) -> None:
    """A project is an id or a number."""
    with pytest.raises(ConfigurationError, match="project_id"):
        provider(project_id=project)


def test_regional_endpoint() -> None:
    """A regional endpoint serves the secrets of its location, and names lead there."""
    gcp = provider(api_endpoint=REGIONAL)
    assert gcp.path_of("x") == "example-project/locations/europe-west3/x"
    assert gcp.describe() == f"Google Secret Manager at {REGIONAL} (project example-project)"
    assert place("gcp://other/x", api_endpoint=REGIONAL).path == "other/locations/europe-west3/x"


@pytest.mark.parametrize("written", [REGIONAL, f"{REGIONAL}:443", f"https://{REGIONAL}", f"https://{REGIONAL}/"])
def test_spellings_of_a_regional_endpoint(written: str) -> None:
    """With port or scheme it is the same location."""
    found = endpoint({"api_endpoint": written})
    assert (found.tls, found.location) == (True, "europe-west3")


def test_a_regional_secret_is_asked_for_in_its_region() -> None:
    """Google's own endpoint is chosen by the secret's location; an endpoint that is set is asked for everything."""
    assert endpoint({}).serving(None).target == "secretmanager.googleapis.com"
    assert endpoint({}).serving("europe-west3").target == REGIONAL
    assert endpoint({"api_endpoint": "127.0.0.1:1"}).serving("europe-west3").target == "127.0.0.1:1"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "a.localhost"])
def test_an_emulator_on_this_machine(host: str) -> None:
    """An emulator on loopback needs no TLS."""
    found = endpoint({"api_endpoint": f"http://{host}:8080"})
    assert (found.tls, found.target) == (False, f"{host}:8080")


@pytest.mark.parametrize("host", ["emulator.example.com", "127.0.0.1.example.com", "10.0.0.1"])
def test_http_beyond_this_machine_is_refused(host: str) -> None:
    """Values never travel in clear text over a network, unless that is set on purpose."""
    with pytest.raises(ConfigurationError, match=host) as caught:
        provider(api_endpoint=f"http://{host}:8080")
    assert "allow_http" in str(caught.value)
    assert provider(api_endpoint=f"http://{host}:8080", allow_http=True)


@pytest.mark.parametrize("written", ["ftp://x", "unix:/run/x", "a b", "host:port", "host/path", "https://", "dns:///x"])
def test_endpoints_that_are_no_host(written: str) -> None:
    """What gRPC would take for something else is refused."""
    with pytest.raises(ConfigurationError, match="api_endpoint"):
        provider(api_endpoint=written)


def test_credentials_in_the_endpoint_are_refused() -> None:
    """A password in it would end up in messages, so it is refused and not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        provider(api_endpoint="https://me:example-pw@secretmanager.googleapis.com")
    assert "example-pw" not in str(caught.value)


def test_settings_by_other_names() -> None:
    """ZenML's and others' names of provider and project are the same."""
    found = entry({"provider": "gcp-secret-manager", "project": "p1"}, "here")
    assert found == ("gcp_secretmanager", {"project_id": "p1"})


def test_no_credentials_in_the_configuration() -> None:
    """The login comes from Application Default Credentials: there is no setting for one (S0.42)."""
    with pytest.raises(ConfigurationError, match="token"):
        entry({"provider": "gcp", "token": "example"}, "here")


# -- tags and values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", [{"owner": "example-team", "ticket": "42"}, {"empty": ""}, {"ę": "ż-1_"}, None])
def test_tags_that_labels_hold(tags: dict[str, str] | None) -> None:
    """Tags are labels: lower case, digits, `-` and `_`, in any script."""
    check_labels(tags, "gcp")


@pytest.mark.parametrize(
    "tags",
    [{"Owner": "x"}, {"owner": "Example Team"}, {"1st": "x"}, {"": "x"}, {"a" * 64: "x"}, {"a": "b" * 64}, {"a.b": ""},
     {f"k{number}": "" for number in range(65)}],
)  # fmt: skip
def test_tags_that_labels_cannot_hold(tags: dict[str, str]) -> None:
    """What a label cannot hold is refused before anything is sent, with the rule."""
    with pytest.raises(Unsupported):
        check_labels(tags, "gcp")


@given(st.text() | st.binary())
def test_payloads_come_back(value: str | bytes) -> None:
    """Text comes back as it was; bytes too, as text where they are UTF-8, which encodes to the same bytes."""
    found = encoded(value).value()
    plain = value.encode() if isinstance(value, str) else value
    assert (found.encode() if isinstance(found, str) else found) == plain
    assert isinstance(found, str) or isinstance(value, bytes)


def test_payloads_show_nothing() -> None:
    """Neither bytes nor checksum of a payload are in its repr."""
    payload = encoded("example-value")
    assert repr(payload) == "<Payload [masked]>"
    assert "example" not in repr({"payload": payload})
