"""What `current.secrets` answers to: sources as they were written, and what a person would call them."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from metaflow_extensions.tacenda.plugins.sources._fetched import Fetched
from metaflow_extensions.tacenda.plugins.sources._names import short_names
from metaflow_extensions.tacenda.plugins.sources._spec import parse
from metaflow_extensions.tacenda.plugins.step._step_secrets import StepSecrets
from tacenda import Secret, SecretBytes, reveal
from tacenda._values import natural
from tacenda.errors import Conflict, SecretLeak, SecretNotFound

ARN = "arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123"
OTHER_ARN = "arn:aws:secretsmanager:eu-west-1:123456789:secret:api-keys-def456"
URL = "https://myvault.vault.azure.net/secrets/api-keys"
RESOURCE = "projects/my-project/secrets/api-keys/versions/2"
NAMES = {
    "api-keys": ["api-keys"],
    "ml/api-keys": ["ml/api-keys", "api-keys"],
    "api-keys#API_KEY": ["API_KEY"],
    "a.dotted.name": ["a.dotted.name"],
    ARN: ["api-keys", "api-keys-abc123"],
    ARN.replace("api-keys", "ml/api-keys"): ["ml/api-keys", "ml/api-keys-abc123", "api-keys", "api-keys-abc123"],
    ARN.replace("api-keys", "app.api-keys"): ["app.api-keys", "app.api-keys-abc123"],
    ARN.replace("api-keys-abc123", "my-secret"): ["my", "my-secret"],
    f"{ARN}?version=v1": ["api-keys", "api-keys-abc123"],
    f"{ARN}#API_KEY": ["API_KEY"],
    URL: ["api-keys"],
    f"{URL}/abc123": ["api-keys"],
    RESOURCE: ["api-keys"],
    "projects/p/locations/europe-west1/secrets/api-keys": ["api-keys"],
    "vault://secret/ml/api-keys": ["api-keys"],
    "ref+vault://secret/ml/api-keys?version=2#API_KEY": ["API_KEY"],
    "vault://secret/ml%2Fkeys": ["ml/keys"],
    "aws-secrets-manager.api-keys": ["api-keys"],
    "az-key-vault.api-keys/abc123": ["api-keys"],
    "gcp-secret-manager.api-keys/versions/2": ["api-keys"],
    "vault.ml/api-keys": ["ml/api-keys", "api-keys"],
    f"aws-secrets-manager.{ARN}": ["api-keys", "api-keys-abc123"],
    "inline.https://hooks.example.com/id": ["https://hooks.example.com/id", "id"],
    "ends/": ["ends/"],
}


@pytest.mark.parametrize(("source", "names"), NAMES.items(), ids=NAMES)
def test_names(source, names):
    """An ARN without its suffix, the last part of a URL, a resource name or a reference, the id of a type (S1.28)."""
    assert sorted(short_names(source)) == sorted(names)


def seen(*sources: str, **values):
    """Return `current.secrets` of a step with these sources; each holds its own name, unless it is given."""
    held = {**{source: f"example of {source}" for source in sources}, **values}
    return StepSecrets([Fetched(source, natural(value)) for source, value in held.items()])


@pytest.mark.parametrize("source", [source for source in NAMES if "#" not in source], ids=str)
def test_by_every_name(source):
    """Item, `in` and `get` take the source as written and each short name: the same secret (S1.28)."""
    secrets = seen(source)
    assert list(secrets) == [source]
    for name in [source, *NAMES[source]]:
        assert name in secrets
        assert secrets[name] is secrets.get(name) is secrets[source]


@pytest.mark.parametrize(
    "source", [ARN, URL, RESOURCE, "api-keys", "vault://kv/api.keys", "aws-secrets-manager.api_keys"]
)
def test_by_attribute(source):
    """`-` and `.` are `_` in an attribute (S1.17)."""
    assert seen(source).api_keys == f"example of {source}"


def test_whole_name_by_attribute():
    """A source with dots has an attribute, too; what no attribute can spell is reached by item."""
    assert seen("a.dotted-name").a_dotted_name == "example of a.dotted-name"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ARN, OTHER_ARN),
        (f"{URL}/abc123", f"{URL}/def456"),
        (ARN, "vault://secret/api-keys"),
        ("a/api-keys", "b/api-keys"),
    ],
)
def test_ambiguous(one, other):
    """A name that two sources have is an error that names both and says what to write instead (S1.36)."""
    secrets = seen(one, other)
    assert "api-keys" in secrets
    for use in (lambda: secrets["api-keys"], lambda: secrets.get("api-keys")):
        with pytest.raises(Conflict) as caught:
            use()
        assert str(caught.value) == (
            f"current.secrets['api-keys'] could be {one!r} or {other!r}\n"
            f"  next: write the source as in @secrets: current.secrets[{one!r}] or current.secrets[{other!r}]"
        )
    with pytest.raises(AttributeError, match=r"current\.secrets\.api_keys could be .* or ") as caught:
        _ = secrets.api_keys
    assert f"current.secrets[{other!r}]" in str(caught.value)
    assert (secrets[one], secrets[other]) == (f"example of {one}", f"example of {other}")


def test_exact_name_wins():
    """What one source is written as goes before what another is called."""
    secrets = seen(ARN, "api-keys", OTHER_ARN)
    assert secrets["api-keys"] == secrets.api_keys == secrets.get("api-keys") == "example of api-keys"
    assert secrets[ARN] == f"example of {ARN}"
    assert seen("api-keys", "api_keys").api_keys == "example of api_keys"


def test_attribute_of_two_names():
    """Two sources that differ in `-` and `.` only have one attribute: an error, as with keys."""
    secrets = seen("api-keys", "api.keys")
    with pytest.raises(AttributeError, match=r"could be 'api-keys' or 'api\.keys'"):
        _ = secrets.api_keys


def test_unknown():
    """A typo is told with the sources there are."""
    secrets = seen("api-keys", ARN)
    assert "api-key" not in secrets
    assert 7 not in secrets
    assert (secrets.get("api-key"), secrets.get("api-key", "mine"), getattr(secrets, "other", None)) == (
        None,
        "mine",
        None,
    )
    with pytest.raises(SecretNotFound) as caught:
        _ = secrets["api-key"]
    assert isinstance(caught.value, KeyError)
    assert str(caught.value) == (
        f"@secrets of this step has no source 'api-key'\n  next: its sources are: 'api-keys', {ARN!r}"
    )
    with pytest.raises(AttributeError, match="has no source 'other'\n  next: its sources are: 'api-keys', 'arn:"):
        _ = secrets.other
    with pytest.raises(SecretNotFound, match="its sources are: none"):
        _ = seen()["x"]
    with pytest.raises(SecretNotFound):
        _ = secrets[7]


def test_values():
    """A plain value is itself (S1.32), JSON keeps its types and nesting (S1.62), binary is bytes (S1.4)."""
    secrets = seen(text="example", number="12345", json='{"a": {"b": [1, null, true, "x"]}}', binary=b"\x00\xff")
    assert (secrets.text, secrets.number) == ("example", "12345")
    assert type(secrets.number) is Secret
    assert secrets.json.a.b == [1, None, True, "x"]
    assert type(secrets.binary) is SecretBytes
    assert json.loads(json.dumps(secrets["json"])) == {"a": {"b": [1, None, True, "x"]}}


@pytest.mark.parametrize("name", ["keys", "get", "as_file", "items", "_name", "_called", "__class__"])
def test_name_of_a_method(name):
    """A source may be called as what every dict has: by item it is the secret, by attribute the method (S1.28)."""
    secrets = seen(name, "api-keys")
    assert secrets[name] == secrets.get(name) == f"example of {name}"
    assert getattr(secrets, name) != f"example of {name}"
    assert list({**secrets}) == [name, "api-keys"]


def test_what_a_source_has_become():
    """With `{namespace}` in it a source is reached as it was written and by the name that it has become."""
    secrets = StepSecrets([Fetched("ml/keys-{namespace}", Secret("example"), None, "ml/keys-dev")])
    assert list(secrets) == ["ml/keys-{namespace}"]
    names = ("ml/keys-{namespace}", "ml/keys-dev", "keys-dev")
    assert [secrets[name] for name in names] == [secrets.keys_dev] * 3 == ["example"] * 3


@pytest.mark.parametrize(
    ("kind", "identifier"), [("az-key-vault", "api-keys/abc123"), ("gcp-secret-manager", "api-keys/versions/2")]
)
def test_dict_with_a_version(kind, identifier):
    """A dict is called as its id without the version, as the same source in one text is (S1.28)."""
    [spec] = parse([{"type": kind, "id": identifier}])
    secrets = StepSecrets([Fetched(spec.source, Secret("example"), {}, spec.called)])
    assert secrets[identifier] == secrets["api-keys"] == secrets.api_keys == "example"
    assert "abc123" not in secrets
    assert "2" not in secrets


def test_is_a_dict():
    """It is bound, iterated, unpacked, copied into a dict and revealed like any dict of secrets (S1.29)."""
    secrets = seen("api-keys", ARN)
    assert isinstance(secrets, dict)
    assert sorted(secrets) == ["api-keys", ARN]
    assert dict(secrets) == {name: secrets[name] for name in secrets} == dict(secrets.items())
    assert {**secrets} == dict(**secrets)
    assert type(reveal(secrets)) is dict
    assert type(reveal(secrets)["api-keys"]) is str
    assert len(secrets) == 2


def test_nothing_gets_out():
    """Read-only, masked in repr, never pickled, and a copy is the same object."""
    secrets = seen("api-keys")
    assert repr(secrets) == f"{[secrets]}"[1:-1] == "<current.secrets [masked] sources=['api-keys']>"
    assert copy.copy(secrets) is copy.deepcopy([secrets])[0] is secrets
    for change in (lambda: secrets.update(x=1), lambda: setattr(secrets, "x", 1), lambda: secrets.pop("api-keys")):
        with pytest.raises(TypeError, match="read-only"):
            change()
    with pytest.raises(SecretLeak):
        pickle.dumps(secrets)
