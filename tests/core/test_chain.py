"""A name goes along the chain: "not there" goes on, any other failure stops and says so."""

from __future__ import annotations

import pytest
from shelf_backend import SHELVES

from tacenda import open_store
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    InvalidReference,
    SecretNotFound,
    Throttled,
    Unsupported,
)

TWO = ({"shelf": "first"}, {"shelf": "second"})


@pytest.fixture
def first():
    return SHELVES["first"]


@pytest.fixture
def second():
    return SHELVES["second"]


def test_first_that_has_it_serves(shelf_store, first, second):
    """The order of the chain decides, and nobody further down is asked."""
    first.put("x", "example-first")
    second.put("x", "example-second")
    assert shelf_store(*TWO).get("x") == "example-first"
    assert second.calls == []


def test_missing_goes_on(shelf_store, first, second):
    """What the first does not have, the next is asked for."""
    second.put("x", "example-second")
    assert shelf_store(*TWO).get("x") == "example-second"
    assert first.reads() == ["x"]


def test_missing_key_goes_on(shelf_store, first, second):
    """A secret without the key is as good as no secret."""
    first.put("x", {"USER": "example"})
    second.put("x", {"PASSWORD": "example-password"})
    assert shelf_store(*TWO).get("x", "PASSWORD") == "example-password"


@pytest.mark.parametrize("kind", [AccessDenied, BackendUnavailable, Throttled])
def test_any_other_failure_stops(shelf_store, first, second, kind):
    """A broken backend never makes an older value from further down appear."""
    first.fail(kind("example failure"))
    second.put("x", "example-second")
    with pytest.raises(kind, match="example failure"):
        shelf_store(*TWO).get("x")
    assert second.calls == []


def test_missing_everywhere_lists_each_place(shelf_store, first, second):
    """The message lists every place that was asked, the stack, and what to do."""
    with pytest.raises(SecretNotFound) as caught:
        shelf_store(*TWO).get("ml/x")
    error = caught.value
    assert error.message == "there is no secret 'ml/x' in stack 'test' (open_store(config=…))"
    assert error.tried == ("shelf://ml/x: it is not on the shelf",) * 2
    assert error.hint == "look at the shelf"
    assert error.name == "ml/x"
    assert error.__cause__ is None


def test_missing_key_names_the_keys(shelf_store, first):
    """A typo in a key is told with the keys that there are."""
    first.put("x", {"API_KEY": "example-key", "USER": "example"})
    with pytest.raises(SecretNotFound, match="'x' with key 'API_KEYS'") as caught:
        shelf_store({"shelf": "first"}).get("x", "API_KEYS")
    assert caught.value.hint == "the keys are: API_KEY, USER"
    assert "example-key" not in str(caught.value)


def test_default_is_for_missing_only(shelf_store, first):
    """`default=` replaces a missing secret, also by None, but never hides a failure."""
    store = shelf_store({"shelf": "first"})
    assert store.get("x", default=None) is None
    assert store.get("x", "K", default="example-default") == "example-default"
    first.fail(BackendUnavailable("down"))
    with pytest.raises(BackendUnavailable):
        store.get("x", default=None)


def test_default_is_not_remembered(shelf_store, first):
    """A secret that is created later is found at once."""
    store = shelf_store({"shelf": "first"})
    assert store.get("x", default=None) is None
    first.put("x", "example-value")
    assert store.get("x", default=None) == "example-value"


def test_leftover_variable_does_not_override_the_backend(shelf_store, first, monkeypatch):
    """After a migration an exported variable from before plays no part (S0.68)."""
    monkeypatch.setenv("DB_PASSWORD", "example-old")
    first.put("DB_PASSWORD", "example-new")
    assert shelf_store({"shelf": "first"}).get("DB_PASSWORD") == "example-new"


def test_environment_override_is_a_chain(first, monkeypatch):
    """Who wants the environment to win puts it first."""
    monkeypatch.setenv("DB_PASSWORD", "example-mine")
    first.put("DB_PASSWORD", "example-shared")
    chain = ["env", {"provider": "shelf", "shelf": "first"}]
    store = open_store(config={"stacks": {"dev": {"secrets": chain}}})
    assert store.get("DB_PASSWORD") == "example-mine"
    assert store.get("shelf://DB_PASSWORD") == "example-shared"


def test_reference_chooses_its_provider(shelf_store, second):
    """A reference goes to the stack's provider of that backend, with its settings."""
    SHELVES["second"].put("x", "example-rack")
    store = shelf_store({"shelf": "first"}, {"provider": "rack", "shelf": "second"})
    assert store.get("rack://x") == "example-rack"
    assert store.get("RACK://x") == "example-rack"
    assert SHELVES["first"].calls == []


def test_reference_to_a_backend_outside_the_stack(shelf_store):
    """A backend that the stack does not name is opened with its default settings, once."""
    SHELVES["rack"].put("a", "example-a")
    store = shelf_store()
    assert store.get("rack://a") == "example-a"
    assert store._resolver.chain._provider_of("rack") is store._resolver.chain._provider_of("rack")


def test_reference_by_a_longer_name_reaches_the_same_provider():
    """`hashicorp-vault://` is the stack's `vault`, not another Vault with default settings."""
    store = open_store(
        config={"stacks": {"dev": {"secrets": {"provider": "vault", "vault_url": "http://127.0.0.1:1"}}}}
    )
    chain = store._resolver.chain
    assert chain._provider_of("hashicorp-vault") is chain._provider_of("vault")


def test_reference_ignores_the_prefix(shelf_store, shelf):
    """A reference is a whole path: prefix and document settings play no part in it."""
    shelf.put("team/x", "example-prefixed")
    shelf.put("x", "example-plain")
    store = shelf_store({"shelf": "main", "prefix": "team/"})
    assert store.get("x") == "example-prefixed"
    assert store.get("shelf://x") == "example-plain"


def test_reference_does_not_go_on(shelf_store, first, second):
    """A reference means one place: what is not there is missing."""
    second.put("x", "example-second")
    with pytest.raises(SecretNotFound):
        shelf_store(*TWO).get("shelf://x")


def test_unknown_backend_of_a_reference(shelf_store):
    """The error lists what there is."""
    with pytest.raises(InvalidReference, match="no backend 'vualt' for a reference vualt://") as caught:
        shelf_store().get("vualt://a")
    assert "vault" in caught.value.hint


@pytest.mark.parametrize("name", ["shelf://x#USER", "x#USER"])
def test_key_given_twice_is_an_error(shelf_store, name):
    """`x#USER` with another key is a contradiction."""
    with pytest.raises(InvalidReference, match="names the key 'USER' already"):
        shelf_store().get(name, "PASSWORD")


def test_name_with_a_key(shelf_store, shelf):
    """`get(N, K)` is `N#K`, with names and references."""
    shelf.put("x", {"K": "example-value", "a#b": "example-hash"})
    store = shelf_store()
    assert store.get("x", "K") == store.get("x#K") == store.get("shelf://x#K") == store.get("shelf://x", "K")
    assert store.get("x#a%23b") == "example-hash"


@pytest.mark.parametrize("name", ["", "#K"])
def test_empty_name_is_refused(shelf_store, name):
    """An empty variable in somebody's script is not a name."""
    with pytest.raises(InvalidReference, match="the name of a secret is empty"):
        shelf_store().get(name)


def test_text_has_no_keys(shelf_store, shelf):
    """A secret that is no JSON object, asked for a key, is told as that."""
    shelf.put("x", "example-text")
    with pytest.raises(InvalidReference, match="not a JSON object, so it has no key 'K'") as caught:
        shelf_store().get("x", "K")
    assert "example-text" not in str(caught.value)


def test_version_skips_providers_without_versions(shelf_store, first, second):
    """`version=` asks only those that keep versions, never env or files."""
    first.put("x", "example-unversioned")
    second.put("x", "example-1")
    second.put("x", "example-2")
    store = shelf_store({"shelf": "first"}, {"shelf": "second", "versions": True})
    assert store.get("x", version="1") == "example-1"
    assert store.get("x") == "example-unversioned"


def test_version_without_any_versions_is_unsupported():
    """The default chain keeps none."""
    with pytest.raises(Unsupported, match="no provider of stack 'default' keeps versions"):
        open_store().get("x", version="1")


def test_version_in_a_reference(shelf_store, shelf):
    """`?version=` in a reference and `version=` are the same."""
    shelf.put("x", "example-1")
    shelf.put("x", "example-2")
    store = shelf_store({"shelf": "main", "versions": True})
    assert store.get("shelf://x?version=1") == store.get("x", version="1") == "example-1"
    assert store.info("shelf://x?version=1").version == "1"
    assert store.info("x").version == "2"


def test_natural_types(shelf_store, shelf):
    """A JSON object is a bundle, other text a Secret, binary SecretBytes; get_text gives the stored text."""
    shelf.put("json", '{"b": 1,  "a": null}')
    shelf.put("text", " example \n")
    shelf.put("bytes", b"\x00")
    store = shelf_store()
    assert store.get("json") == {"b": 1, "a": None}
    assert store.get_text("json") == '{"b": 1,  "a": null}'
    assert store.get("text") == store.get_text("text") == " example \n"
    assert store.get("bytes") == b"\x00"
    with pytest.raises(Unsupported, match="'bytes' is binary"):
        store.get_text("bytes")


def test_json_inside_a_key_is_a_bundle(shelf_store, shelf):
    """A key whose text is a JSON object reads as keys, too."""
    shelf.put("x", {"sa": '{"type": "service_account"}'})
    assert shelf_store().get("x", "sa").type == "service_account"
    assert shelf_store().get_text("x", "sa") == '{"type": "service_account"}'


def test_info_asks_the_provider_that_has_it(shelf_store, first, second):
    """Metadata come from where `get` would read."""
    second.put("x", "example-second")
    store = shelf_store(*TWO)
    assert (store.info("x").name, store.info("x").version) == ("x", "1")
    with pytest.raises(SecretNotFound, match="there is no secret 'y'"):
        store.info("y")


def test_info_of_one_document_asks_the_document_that_has_the_key(shelf_store, first, second):
    """In one-document stacks the document may be there without the name."""
    first.put("doc", {"other": "example"})
    second.put("doc", {"x": "example-1"})
    second.put("doc", {"x": "example-2"})
    store = shelf_store({"shelf": "first", "document": "doc"}, {"shelf": "second", "document": "doc"})
    assert store.info("x").version == "2"


def test_list_goes_along_the_chain(shelf_store, first, second):
    """Each name once, from the first that has it; values are never shown."""
    first.put("a", "example-value-a")
    second.put("a", "example-value-b")
    second.put("b", "example-value-c")
    infos = list(shelf_store(*TWO).list())
    assert [info.name for info in infos] == ["a", "b"]
    assert "example-value" not in repr(infos)


def test_list_with_prefixes(shelf_store, shelf):
    """The stack's prefix is not part of a name; the argument is."""
    for name in ("team/ml/a", "team/ml/b", "team/x", "other/ml/c"):
        shelf.put(name, "example")
    store = shelf_store({"shelf": "main", "prefix": "team/"})
    assert [info.name for info in store.list("ml/")] == ["ml/a", "ml/b"]
    assert [info.name for info in store.list()] == ["ml/a", "ml/b", "x"]


def test_list_skips_who_cannot_list(monkeypatch, shelf):
    """`env` without a prefix lists nothing; alone it says so (S0.60)."""
    shelf.put("a", "example")
    chain = ["env", {"provider": "shelf", "shelf": "main"}]
    store = open_store(config={"stacks": {"dev": {"secrets": chain}}})
    assert [info.name for info in store.list()] == ["a"]
    with pytest.raises(Unsupported):
        list(open_store(config={"stacks": {"dev": {"secrets": "env"}}}).list())


def test_listing_passes_a_mount_that_is_not_there(workplace, monkeypatch):
    """A laptop without the cluster's mount lists what the next provider has; alone, the missing mount is told."""
    monkeypatch.setenv("API_KEY", "example-key")
    files = {"provider": "files", "path": "nowhere"}
    with open_store(config={"stacks": {"dev": {"secrets": [files, {"provider": "env"}]}}}) as store:
        assert [info.name for info in store.list("API_")] == ["API_KEY"]
    with open_store(config={"stacks": {"dev": {"secrets": files}}}) as store, pytest.raises(SecretNotFound):
        list(store.list())


def test_a_version_named_twice(shelf_store):
    """As with keys: two that differ are a mistake; a number is as good as its text."""
    store = shelf_store()
    with pytest.raises(InvalidReference, match="version '2' already"):
        store.get("shelf://x?version=2", version="3")
    for version in (2, "2"):
        with pytest.raises(SecretNotFound):
            store.get("shelf://x?version=2", version=version)


@pytest.mark.parametrize(("scheme", "near"), [("vualt", "vault"), ("file", "files")])
def test_an_unknown_scheme_says_what_was_meant(shelf_store, scheme, near):
    """A reference to no backend names the nearest one, and all there are."""
    with pytest.raises(InvalidReference, match=f"did you mean '{near}'") as caught:
        shelf_store().get(f"{scheme}://secret/x")
    assert "they are: env, local, files, vault" in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "\t", "#key"])
def test_a_blank_name_is_refused(shelf_store, name):
    """No name is no secret."""
    with pytest.raises(InvalidReference, match="empty"):
        shelf_store().get(name)


def test_a_fresh_read_that_finds_nothing_ends_the_old_answer(shelf, shelf_store):
    """What somebody else deleted does not come back from memory once it was looked for."""
    shelf.put("x", "example-value")
    store = shelf_store()
    assert store.get("x") == "example-value"
    shelf.documents.clear()
    assert store.get("x", default=None, fresh=True) is None
    assert store.get("x", default=None) is None


def test_without_a_configuration_the_hint_is_to_make_one(workplace):
    """The commonest first mistake: no tacenda.yaml from here upwards; the error says from where."""
    with pytest.raises(SecretNotFound) as caught:
        open_store().get("api-keys")
    assert caught.value.hint.startswith("make a tacenda.yaml")
    assert str(workplace) in caught.value.hint
