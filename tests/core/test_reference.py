"""References: `backend://path[?version=V][#KEY]`, and the clouds' own forms."""

from __future__ import annotations

import pytest

from tacenda._reference import SCHEMES, Reference, looks_like_value, parse_reference
from tacenda.errors import InvalidReference

ARN = "arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vault://secret/ml/training#DB_PASSWORD", ("vault", "secret/ml/training", None, "DB_PASSWORD")),
        ("vault://secret/ml/training?version=3", ("vault", "secret/ml/training", "3", None)),
        ("vault://secret/ml?version=3#K", ("vault", "secret/ml", "3", "K")),
        ("ref+vault://secret/ml#K", ("vault", "secret/ml", None, "K")),
        ("VAULT://Secret/ML", ("vault", "Secret/ML", None, None)),
        ("vault:///secret/ml/", ("vault", "secret/ml", None, None)),
        ("env://DB_PASSWORD", ("env", "DB_PASSWORD", None, None)),
        ("files://db/password", ("files", "db/password", None, None)),
        ("aws://ml/training", ("aws", "ml/training", None, None)),
        ("gcp://project/name", ("gcp", "project/name", None, None)),
        ("vault://a/b#key%20with%23", ("vault", "a/b", None, "key with#")),
        ("vault://a?version=1%2F2", ("vault", "a", "1/2", None)),
        ("my-plugin.v2://a", ("my-plugin.v2", "a", None, None)),
    ],
)
def test_grammar(text, expected):
    """The form of vals and its kin, with the scheme in any case."""
    assert parse_reference(text) == Reference(*expected)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_backend_has_a_scheme(scheme):
    """The short names are the schemes, and legal in a URI (C2)."""
    assert parse_reference(f"{scheme}://a/b").backend == scheme
    assert scheme.isalnum()


@pytest.mark.parametrize(
    "name", ["api-keys", "ml/api-keys", "DB_PASSWORD", "a.b", "a b", "a:b", "a?b", "sk-learn-training-credentials", "ä"]
)
def test_plain_names_are_no_references(name):
    """A name without `://` is the stack's to resolve."""
    assert parse_reference(name) is None


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        "arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ml/training-secrets-AbCdEf",
        "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:x-abc123",
        "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:x",
    ],
)
def test_arn_with_and_without_suffix(arn):
    """Also the documented 9-digit account (S1.26, S1.27)."""
    reference = parse_reference(arn)
    assert (reference.backend, "/".join(reference.segments())) == ("aws", arn)


def test_arn_with_a_version():
    """As Azure's URLs and GCP's names have one, an ARN takes `?version=`, with the key after it."""
    assert parse_reference(f"{ARN}?version=AWSPREVIOUS#API_KEY") == ("aws", ARN, "AWSPREVIOUS", "API_KEY")
    for wrong in ("?", "?version=", "?stage=AWSPREVIOUS"):
        with pytest.raises(InvalidReference, match=r"empty version|unknown parameter"):
            parse_reference(ARN + wrong)


def test_arn_with_a_key():
    """One key of an ARN's secret."""
    assert parse_reference(f"{ARN}#API_KEY").key == "API_KEY"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:s3:::bucket",
        "arn:aws:secretsmanager:us-east-1:x:secret:y",
        "arn:",
        f"{ARN} x",
        "arn:aws:s3:::bucket?version=3",
    ],
)
def test_other_arns_are_refused(arn):
    """An ARN of something else is no name either."""
    with pytest.raises(InvalidReference, match="is not the ARN of a secret"):
        parse_reference(arn)


@pytest.mark.parametrize(
    ("url", "path", "version"),
    [
        ("https://myvault.vault.azure.net/secrets/api-keys", "myvault.vault.azure.net/api-keys", None),
        ("https://myvault.vault.azure.net/secrets/api-keys/", "myvault.vault.azure.net/api-keys", None),
        ("https://myvault.vault.azure.net/secrets/api-keys/abc123", "myvault.vault.azure.net/api-keys", "abc123"),
        (
            "https://127.0.0.1:8443/secrets/a/0123456789abcdef0123456789abcdef",
            "127.0.0.1:8443/a",
            "0123456789abcdef" * 2,
        ),
    ],
)
def test_azure_secret_urls(url, path, version):
    """Also the documented version of 6 characters (S1.37)."""
    assert parse_reference(url) == Reference("azure", path, version)


@pytest.mark.parametrize("url", ["https://example.com", "https://v.vault.azure.net/keys/a", "https://v/secrets/a_b"])
def test_other_urls_are_refused(url):
    """An `https://` reference is an Azure secret or a mistake."""
    with pytest.raises(InvalidReference, match="must be an Azure secret URL"):
        parse_reference(url)


@pytest.mark.parametrize(
    ("name", "path", "version"),
    [
        ("projects/p/secrets/api-keys", "p/api-keys", None),
        ("projects/123456/secrets/api-keys/versions/2", "123456/api-keys", "2"),
        ("projects/p/secrets/api-keys/versions/latest", "p/api-keys", "latest"),
        ("projects/p/locations/europe-west3/secrets/a/versions/7", "p/locations/europe-west3/a", "7"),
    ],
)
def test_gcp_resource_names(name, path, version):
    """With and without version and location."""
    assert parse_reference(name) == Reference("gcp", path, version)


def test_escapes_stay_until_a_provider_asks():
    """`%2F` is a slash that does not separate."""
    reference = parse_reference("vault://a%2Fb/c%23d%3Fe")
    assert reference.path == "a%2Fb/c%23d%3Fe"
    assert reference.segments() == ["a/b", "c#d?e"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vault://", "names no secret"),
        ("vault:///", "names no secret"),
        ("vault://?version=1", "names no secret"),
        ("vault://a#", "without a key"),
        ("api-keys#", "without a key"),
        ("vault://a?version=", "an empty version"),
        ("vault://a?", "an empty version"),
        ("vault://a?key=b", "unknown parameter 'key'"),
        ("vault://a?version=1&x=2", "unknown parameter 'x'"),
    ],
)
def test_malformed_references_say_what_is_wrong(text, message):
    """Each mistake has its own words and a next step."""
    with pytest.raises(InvalidReference, match=message) as caught:
        parse_reference(text)
    assert caught.value.hint


VALUES = [
    "postgres://user:example-password@host/db",
    "https://:example-password@host",
    "-----BEGIN PRIVATE KEY-----example",
    "AGE-SECRET-KEY-1EXAMPLE",
    "eyJexample.eyJexample.example",
    "hvs." + "example" * 4,
    "ghp_" + "example" * 4,
    "github_pat_example",
    "xoxb-example",
    "AKIA" + "EXAMPLE0" * 2,
    "sk-example-0-example-example",
    "AIza" + "example" * 5,
    '{"API_KEY": "example"}',
    '["example"]',
    "first line\nsecond line",
    "first line\rsecond line",
]


@pytest.mark.parametrize("value", VALUES)
def test_values_are_refused_and_never_repeated(value):
    """Who passes a value instead of a name learns so, and the message can be logged."""
    assert looks_like_value(value)
    with pytest.raises(InvalidReference, match="looks like a value") as caught:
        parse_reference(value)
    shown = f"{caught.value} {caught.value!r} {caught.value.__dict__}"
    assert value not in shown
    assert "example" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "vault://secret/ml/training?version=3#DB_PASSWORD",
        "env://A",
        "aws://arn:aws:secretsmanager:us-east-1:123456789:secret:api-keys-abc123#K",
        "azure://v.vault.azure.net/api-keys?version=abc123",
        "gcp://p/api-keys?version=2",
        "vault://a%2Fb#a%20b",
    ],
)
def test_a_reference_prints_as_it_is_written(text):
    """Labels in messages and audit events can be pasted back."""
    assert str(parse_reference(text)) == text
