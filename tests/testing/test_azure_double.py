"""The double of Azure Key Vault holds secrets as the service does; the real SDK, over TLS that it verifies."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tacenda.testing import AzureKeyVault

NOW = datetime.now(timezone.utc)


@pytest.fixture
def vault(key_vault: AzureKeyVault) -> AzureKeyVault:
    """An empty vault."""
    key_vault.reset()
    return key_vault


@pytest.fixture
def sdk(vault: AzureKeyVault) -> Any:
    return vault.sdk


def raw(vault: AzureKeyVault, method: str, path: str, **options: Any) -> Any:
    """Ask as the SDK does, logged in, without its translation of the answer."""
    return vault.sdk.send_request(HttpRequest(method, f"{vault.url}/{path}", **options))


def refusal(vault: AzureKeyVault, method: str, path: str, **options: Any) -> tuple[int, str, str | None]:
    response = raw(vault, method, path, **options)
    error = response.json()["error"]
    assert error["message"]
    return response.status_code, error["code"], error.get("innererror", {}).get("code")


class TestValues:
    def test_what_is_set_is_got(self, sdk: Any, vault: AzureKeyVault) -> None:
        """A secret that the real client sets is the one that it gets, under the vault's own URL."""
        made = sdk.set_secret("api-keys", "example-value")
        found = sdk.get_secret("api-keys")
        assert found.value == "example-value"
        assert found.id == made.id == f"{vault.url}/secrets/api-keys/{found.properties.version}"

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
    def test_values_are_exact(self, sdk: Any, value: str) -> None:
        """No character of a value is lost or changed: spaces, line ends, anything in Unicode."""
        sdk.set_secret("exact", value)
        assert sdk.get_secret("exact").value == value

    def test_names_ignore_case_and_keep_it(self, sdk: Any) -> None:
        """`API-Keys` and `api-keys` are one secret, which is called as it was first written."""
        sdk.set_secret("API-Keys", "example-1")
        sdk.set_secret("api-KEYS", "example-2")
        assert sdk.get_secret("api-keys").value == "example-2"
        assert [secret.name for secret in sdk.list_properties_of_secrets()] == ["API-Keys"]

    def test_versions_stay(self, sdk: Any) -> None:
        """Each write makes a version of 32 hexadecimal digits; older ones can still be read."""
        ids = [sdk.set_secret("api-keys", f"example-{number}").properties.version for number in range(3)]
        assert [sdk.get_secret("api-keys", each).value for each in ids] == ["example-0", "example-1", "example-2"]
        assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
        assert sdk.get_secret("api-keys").properties.version == ids[-1]

    def test_a_version_can_be_chosen(self, vault: AzureKeyVault, sdk: Any) -> None:
        """`put` gives a version any id, such as the six characters of an example in somebody's manual (S1.37)."""
        vault.put("api-keys", "example-old", version="abc123")
        vault.put("api-keys", "example-new")
        assert sdk.get_secret("api-keys", "abc123").value == "example-old"

    def test_properties(self, sdk: Any) -> None:
        """Content type, tags and times come back as they were given."""
        times = {"not_before": NOW.replace(microsecond=0), "expires_on": (NOW + timedelta(1)).replace(microsecond=0)}
        sdk.set_secret("full", "example-value", content_type="application/json", tags={"owner": "example"}, **times)
        found = sdk.get_secret("full").properties
        assert (found.content_type, found.tags) == ("application/json", {"owner": "example"})
        assert {"not_before": found.not_before, "expires_on": found.expires_on} == times
        assert (found.recovery_level, found.recoverable_days) == ("Recoverable+Purgeable", 90)
        assert abs(found.created_on - NOW) < timedelta(minutes=5)
        assert found.updated_on == found.created_on

    def test_times_do_not_stop_reads(self, sdk: Any) -> None:
        """As in the service, a secret that is over or not yet valid can be read: the times are for its users."""
        sdk.set_secret("over", "example-value", expires_on=NOW - timedelta(1))
        sdk.set_secret("early", "example-value", not_before=NOW + timedelta(1))
        assert sdk.get_secret("over").value == sdk.get_secret("early").value == "example-value"

    def test_disabled(self, vault: AzureKeyVault, sdk: Any) -> None:
        """A disabled version is 403 SecretDisabled, not an older one instead; that one can still be read by its id."""
        old = sdk.set_secret("off", "example-1").properties.version
        sdk.set_secret("off", "example-2")
        vault.disable("off")
        assert refusal(vault, "GET", "secrets/off") == (403, "Forbidden", "SecretDisabled")
        with pytest.raises(HttpResponseError, match="Operation get is not allowed on a disabled secret"):
            sdk.get_secret("off")
        assert sdk.get_secret("off", old).value == "example-1"

    def test_update(self, sdk: Any) -> None:
        """An update changes what is given, of the version that is named, and neither the value nor the rest."""
        version = sdk.set_secret("api-keys", "example-value", tags={"a": "1"}, content_type="text").properties.version
        changed = sdk.update_secret_properties("api-keys", version, enabled=False, tags={"b": "2"})
        assert (changed.enabled, changed.tags, changed.content_type) == (False, {"b": "2"}, "text")
        sdk.update_secret_properties("api-keys", enabled=True)  # without a version: the newest
        assert sdk.get_secret("api-keys").value == "example-value"

    def test_updates_show_no_value(self, vault: AzureKeyVault, sdk: Any) -> None:
        """Only get and set answer with a value."""
        sdk.set_secret("api-keys", "example-value")
        answers = [raw(vault, "PATCH", "secrets/api-keys", json={"tags": {}})]
        answers += [raw(vault, "GET", path) for path in ("secrets", "secrets/api-keys/versions")]
        assert all(answer.status_code == 200 and "example-value" not in answer.text() for answer in answers)


class TestLists:
    def test_secrets(self, sdk: Any) -> None:
        """A list has all names and properties, also of disabled secrets, and one entry for each secret."""
        for name in ("b", "a", "a"):
            sdk.set_secret(name, "example-value", tags={"name": name}, content_type="text", enabled=name == "a")
        found = [(each.name, each.version, each.enabled, each.tags) for each in sdk.list_properties_of_secrets()]
        assert found == [("a", None, True, {"name": "a"}), ("b", None, False, {"name": "b"})]

    @pytest.mark.parametrize(("size", "requests"), [(None, 3), (25, 3), (7, 8)])
    def test_pages(self, vault: AzureKeyVault, sdk: Any, size: int | None, requests: int) -> None:
        """A page has at most 25 entries and says where the next one is; all together are complete."""
        names = [f"secret-{number:02}" for number in range(53)]
        for name in names:
            vault.put(name, "example-value")
        vault.requests.clear()
        found = [each.name for each in sdk.list_properties_of_secrets(max_page_size=size)]
        assert found == names
        assert len(vault.requests) == requests
        assert all("$skiptoken=" in request or "%24skiptoken=" in request for request in vault.requests[1:])

    @pytest.mark.parametrize("query", ["maxresults=26", "maxresults=0", "maxresults=x", "$skiptoken=x"])
    def test_impossible_pages(self, vault: AzureKeyVault, query: str) -> None:
        """More than 25 entries, none, or a page that does not exist: 400."""
        assert refusal(vault, "GET", f"secrets?{query}") == (400, "BadParameter", None)

    def test_versions(self, vault: AzureKeyVault, sdk: Any) -> None:
        """The versions of a secret are listed in pages, in no order to rely on."""
        ids = {vault.put("api-keys", "example-value") for _ in range(30)}
        found = [each.version for each in sdk.list_properties_of_secret_versions("API-keys")]
        assert len(found) == 30
        assert set(found) == ids

    def test_versions_of_nothing(self, sdk: Any) -> None:
        """The service answers with an empty list for a name that does not exist."""
        assert list(sdk.list_properties_of_secret_versions("missing")) == []


class TestMissing:
    @pytest.mark.parametrize("path", ["secrets/missing", "secrets/api-keys/" + "0" * 32, "deletedsecrets/api-keys"])
    def test_not_found(self, vault: AzureKeyVault, path: str) -> None:
        """No such name, version or deleted secret is 404 SecretNotFound."""
        vault.put("api-keys", "example-value")
        assert refusal(vault, "GET", path) == (404, "SecretNotFound", None)

    @pytest.mark.parametrize("method", ["DELETE", "PATCH"])
    def test_nothing_to_change(self, vault: AzureKeyVault, method: str) -> None:
        """Neither can what is not there be changed or deleted."""
        assert refusal(vault, method, "secrets/missing", json={}) == (404, "SecretNotFound", None)

    def test_as_the_sdk_says_it(self, sdk: Any) -> None:
        """The SDK's own error for it is the one that users catch, with the service's sentence."""
        with pytest.raises(ResourceNotFoundError, match=r"A secret with \(name/id\) missing was not found in this key"):
            sdk.get_secret("missing")


class TestLimits:
    @pytest.mark.parametrize("name", ["a_b", "a.b", "a%20b", "a" * 128, "%C3%A4"])
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_names(self, vault: AzureKeyVault, method: str, name: str) -> None:
        """Names are letters, digits and hyphens, at most 127: anything else is 400, even to ask for."""
        status, code, _ = refusal(vault, method, f"secrets/{name}", json={"value": "example-value"})
        assert (status, code) == (400, "BadParameter")

    @pytest.mark.parametrize("name", ["a", "-", "0", "a" * 127])
    def test_odd_but_legal_names(self, sdk: Any, name: str) -> None:
        """Names may begin with a digit or a hyphen."""
        assert sdk.set_secret(name, "example-value").name == name

    def test_size(self, vault: AzureKeyVault, sdk: Any) -> None:
        """A value has at most 25 KB, counted in bytes and not in characters."""
        sdk.set_secret("large", "x" * 25600)
        sdk.set_secret("large", "ä" * 12800)
        for value in ("x" * 25601, "ä" * 12801):
            assert refusal(vault, "PUT", "secrets/large", json={"value": value}) == (400, "BadParameter", None)

    @pytest.mark.parametrize(
        "content",
        [
            {},
            {"value": None},
            {"value": 1},
            {"value": "x", "tags": {str(number): "" for number in range(16)}},
            {"value": "x", "tags": {"x" * 257: ""}},
            {"value": "x", "tags": {"x": "x" * 257}},
            {"value": "x", "tags": {"x": 1}},
            {"value": "x", "contentType": "x" * 256},
            {"value": "x", "attributes": {"enabled": 1}},
            {"value": "x", "attributes": {"nbf": "soon"}},
            {"value": "x", "attributes": {"nbf": 2, "exp": 1}},
            {"value": "x", "attributes": []},
            [],
        ],
    )
    def test_contents(self, vault: AzureKeyVault, sdk: Any, content: Any) -> None:
        """What the service does not accept is 400, and nothing is written."""
        assert refusal(vault, "PUT", "secrets/never", json=content) == (400, "BadParameter", None)
        assert list(sdk.list_properties_of_secrets()) == []

    def test_as_much_as_is_allowed(self, sdk: Any) -> None:
        """15 tags of 256 characters and a content type of 255 are accepted."""
        tags = {f"{number:0>256}": "x" * 256 for number in range(15)}
        made = sdk.set_secret("full", "x", tags=tags, content_type="x" * 255)
        assert made.properties.tags == tags

    def test_no_json(self, vault: AzureKeyVault) -> None:
        """A body that is no JSON is 400."""
        assert refusal(vault, "PUT", "secrets/never", content=b"{") == (400, "BadParameter", None)

    @pytest.mark.parametrize("version", ["7.0", "7.6", "2016-10-01", "2025-07-01", "7.6-preview.2"])
    def test_versions_of_the_api(self, vault: AzureKeyVault, version: str) -> None:
        """The double speaks the versions that SDKs of the last years ask for."""
        vault.put("api-keys", "example-value")
        assert raw(vault, "GET", f"secrets/api-keys?api-version={version}").json()["value"] == "example-value"

    @pytest.mark.parametrize("query", ["?api-version=1.0", "?api-version=latest"])
    def test_unknown_version_of_the_api(self, vault: AzureKeyVault, query: str) -> None:
        """A version that does not exist is 400."""
        assert refusal(vault, "GET", f"secrets/api-keys{query}") == (400, "BadParameter", None)

    @pytest.mark.parametrize(("method", "path"), [("GET", "keys"), ("POST", "secrets/a"), ("PUT", "secrets")])
    def test_what_there_is_not(self, vault: AzureKeyVault, method: str, path: str) -> None:
        """There are secrets only: other things of a vault are 404."""
        assert refusal(vault, method, path) == (404, "NotFound", None)


def test_the_head_of_an_answer(vault: AzureKeyVault, sdk: Any) -> None:
    """Each answer has an id for support, and repeats the client's own; nothing may be cached."""
    response = raw(vault, "GET", "secrets", headers={"x-ms-client-request-id": "example-id"})
    assert len(response.headers["x-ms-request-id"]) == 36
    assert response.headers["x-ms-client-request-id"] == "example-id"
    assert response.headers["Cache-Control"] == "no-cache"
    assert {"x-ms-keyvault-region", "x-ms-keyvault-service-version"} <= set(response.headers)


def test_requests_are_noted(vault: AzureKeyVault, sdk: Any) -> None:
    """`requests` has each request, without what was in it: one for a read by a client that is logged in."""
    sdk.set_secret("api-keys", "example-value")
    vault.requests.clear()
    sdk.get_secret("api-keys")
    assert [request.partition("?")[0] for request in vault.requests] == ["GET /secrets/api-keys/"]
