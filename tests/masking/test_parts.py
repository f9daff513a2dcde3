"""Parts of a value that are masked by themselves: lines, leaves of JSON, passwords in URLs, trimmed values."""

from __future__ import annotations

import base64
import json
import os
import urllib.parse

import pytest

from tacenda.masking import Masker

TOKEN = "example+token/0123456789=="


def test_whitespace_around_does_not_matter():
    """A file ends with a newline, and the program that reads it strips it (dagger#8047)."""
    masker = Masker()
    masker.add(f"  {TOKEN}\n")
    assert masker.mask(f"got {TOKEN}.") == "got [masked]."
    assert masker.mask(base64.b64encode(TOKEN.encode())) == b"[masked]"
    assert masker.mask(urllib.parse.quote_plus(TOKEN)) == "[masked]"


PEM = (
    "-----BEGIN EXAMPLE KEY-----\n"
    + base64.encodebytes(b"example key material " * 20).decode()
    + "-----END EXAMPLE KEY-----\n"
)


@pytest.mark.parametrize(
    "written",
    [
        PEM.replace("\n", "\r\n"),
        "".join(f"2026-01-01 worker-1: {line}\n" for line in PEM.splitlines()),
        "".join(f"    {line}\n" for line in PEM.splitlines()),
        " ".join(PEM.split("\n")),
        json.dumps({"key": PEM}),
        repr(PEM),
        repr(PEM.encode()),
        base64.encodebytes(PEM.encode()).decode(),
        base64.b64encode(PEM.encode()).decode(),
        base64.b64encode(PEM.strip().encode()).decode(),
    ],
    ids=["CRLF", "prefixed", "indented", "one line", "JSON", "repr", "bytes", "wrapped", "base64", "trimmed base64"],
)
def test_a_pem_however_it_is_written(written):
    """Logged line by line, indented, folded, quoted: no line of the key is left."""
    masker = Masker()
    masker.add(PEM)
    masked = masker.mask(written)
    key = PEM.splitlines()[1:-1]
    for piece in [*key, *base64.encodebytes(PEM.encode()).decode().split()]:
        assert piece.strip("=")[:-1] not in masked
    assert "[masked]" in masked


def test_line_ends_of_a_terminal():
    """A terminal writes CRLF; lines that are too short to be masked alone are masked together."""
    text = "ab-1\ncd-2\nef-3"
    near, far = os.openpty()
    os.write(far, text.encode())
    written = os.read(near, 100)
    os.close(near)
    os.close(far)
    assert written == text.replace("\n", "\r\n").encode()
    for registered in (text, text.replace("\n", "\r\n")):
        masker = Masker()
        masker.add(registered)
        assert masker.mask(written) == b"[masked]"
        assert masker.mask(text) == "[masked]"


def test_pem_marks_stay_readable():
    """BEGIN and END are no secret: every certificate has them."""
    masker = Masker()
    masker.add(PEM)
    assert masker.mask("-----BEGIN EXAMPLE KEY-----") == "-----BEGIN EXAMPLE KEY-----"


def test_lines_that_say_nothing_stay_readable():
    """A kubeconfig among the secrets does not mask `users:` everywhere."""
    masker = Masker()
    masker.add("apiVersion: v1\nclusters:\nusers:\n- name\n  token: example-token-1\ntrue\n\n")
    text = "apiVersion: v1 clusters: users: true - name"
    assert masker.mask(text) == text
    assert masker.mask("  token: example-token-1") == "  [masked]"


DOCUMENT = {
    "type": "service_account",
    "HOST": "db.example",
    "PASSWORD": 'example-"quoted"-password',
    "keys": ["example-item-1", {"deep": "example-deep", "pin": 987654321, "on": True, "none": None}],
}


@pytest.mark.parametrize("indent", [None, 2])
def test_leaves_of_a_json_document(indent):
    """Each leaf is a secret by itself, in every form; hosts, types and literals stay readable (checklist 13)."""
    masker = Masker()
    masker.add(json.dumps(DOCUMENT, indent=indent))
    mask = masker.mask
    assert mask('example-"quoted"-password example-item-1 example-deep 987654321') == " ".join(["[masked]"] * 4)
    assert mask(base64.b64encode(b"example-deep")) == b"[masked]"
    assert mask("service_account db.example True None") == "service_account db.example True None"


@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_parts_of_parts(slash):
    """A URL in a JSON document in base64: its password is masked, its host is not."""
    document = {"url": "postgres://user:example-pass@db.example/app", "nested": '{"TOKEN": "example-inner"}'}
    masker = Masker()
    masker.add(base64.b64encode(json.dumps(document).replace("/", slash).encode()).decode())
    assert masker.mask("example-pass example-inner db.example") == "[masked] [masked] db.example"


def test_leaves_of_a_json_array():
    """A list of tokens is a document too."""
    masker = Masker()
    masker.add('["example-item-1", ["example-item-2"]]')
    assert masker.mask("example-item-1 example-item-2") == "[masked] [masked]"


@pytest.mark.parametrize("text", ["{not json at all}", '["' * 30_000, '{"a": "', "[1, 2", "{}", "[     ]"])
def test_what_looks_like_json_and_is_none(text):
    """A value that only looks like JSON is masked as text, and nothing fails."""
    masker = Masker(min_length=1)
    masker.add(text)
    assert masker.mask(f"a {text} b") == "a [masked] b"


URLS = [
    ("postgres://user:example-pass@db.example:5432/app", "example-pass"),
    ("postgres://user:example%2Fp%40ss@db.example/app", "example/p@ss"),
    ("postgres://user:example%2Fp%40ss@db.example/app", "example%2Fp%40ss"),
    ("http://user:example/p?a#ss@proxy.example:3128", "example/p?a#ss"),
    ("https://example-token-0123456789@git.example/x.git", "example-token-0123456789"),
    ("https://example-token-0123456789:x-oauth-basic@git.example", "example-token-0123456789"),
    ("http://a:example-pass-1@h1,http://b:example-pass-2@h2", "example-pass-2"),
    ("amqp://user:example:with:colons@host//", "example:with:colons"),
    ("redis://:example-pass@host/0", "example-pass"),
    ("x://user:example%zz%4@host", "example%zz%4"),
    ("x://user:ex%61mple%2fpass@host", "ex%61mple%2fpass"),
    ("azure://app:example-no-host~_0123?tenantId=x", "example-no-host~_0123"),
]


@pytest.mark.parametrize(("url", "password"), URLS)
def test_password_in_a_url(url, password):
    """As written and decoded, alone and in every other form (CVE-2025-68675; checklist 15)."""
    masker = Masker()
    masker.add(url)
    assert masker.mask(f"({password})") == "([masked])"
    assert masker.mask(f"({json.dumps(password)})") == '("[masked]")'
    assert masker.mask(f"connecting to {url}") == "connecting to [masked]"


@pytest.mark.parametrize(
    "text", ["proxy.example:3128", "db.example", "ssh://deploy@host", "deploy", "x-oauth-basic", "latest", ":1]:8080"]
)
def test_hosts_and_users_of_a_url_stay_readable(text):
    """Only the password is a secret: a log that cannot say which host failed helps nobody."""
    masker = Masker()
    for url, _ in URLS:
        masker.add(url)
    masker.add(
        "ssh://deploy@host.example/repository http://[::1]:8080/ docker://image:latest http://proxy.example:3128 x://"
    )
    assert masker.mask(f"- {text} -") == f"- {text} -"


def test_base64_in_a_secret_is_decoded_by_programs():
    """Kubernetes stores base64; the decoded text is as secret."""
    masker = Masker()
    masker.add(base64.b64encode(b"example-inner-secret\n").decode())
    assert masker.mask("got example-inner-secret") == "got [masked]"
