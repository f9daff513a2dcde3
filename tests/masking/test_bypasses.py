"""How other maskers were bypassed, one test per report: what `Masker`, its streams and the store must do.

What needs a process whose output is masked is in test_bypasses_in_output.py.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import textwrap
import urllib.parse

import pytest

import tacenda
from tacenda.masking import Masker, registry
from tacenda.testing import override

SECRET = "example-token-4711"
PEM = (
    "-----BEGIN EXAMPLE KEY-----\n"
    + base64.encodebytes(b"example key material " * 20).decode()
    + "-----END EXAMPLE KEY-----\n"
)
KEY_LINES = PEM.splitlines()[1:-1]
JWT = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (b'{"alg":"HS256"}', b'{"sub":"example"}', b"example-signature-of-32-bytes...")
)


@pytest.fixture
def masker():
    masker = Masker()
    masker.add(SECRET, name="api-keys")
    return masker


def bash(script, value):
    """What a real shell writes about a value in its environment."""
    environment = {"SECRET": value, "PATH": os.environ["PATH"]}
    return subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("value", ["1234-x", "1234-xy", "1234-xyz"])
def test_base64_of_a_value_and_something_after_it(value):
    """actions/runner#291: `echo $SECRET | base64` appends a newline, which changed the end of the base64."""
    masker = Masker()
    masker.add(value)
    assert masker.mask(bash('echo "$SECRET" | base64', value)) == "[masked]\n"
    assert masker.mask(bash('printf "%s and more" "$SECRET" | base64', value)).startswith("[masked]")
    for prefix in ("", "u:", "us:", "usr:"):
        written = base64.b64encode(f"{prefix}{value}".encode()).decode()
        assert masker.mask(written).endswith("[masked]")


def test_a_json_document_with_newlines_over_masks_nothing():
    """actions/runner#326: the lines `{` and `}` and the base64 of them became masks, so each `e` and `f` vanished."""
    masker = Masker()
    masker.add("{\n}\n", name="empty")
    masker.add('{\n  "PASSWORD": "example-password",\n  "HOST": "db.example"\n}\n', name="db")
    text = 'if (ready) { return "ew== fQ== e f"; } // db.example\n'
    assert masker.mask(text) == text
    assert masker.mask("  example-password\n") == "  [masked]\n"


def test_each_line_of_a_multi_line_secret():
    """actions/runner#161: a multi-line value was registered as one, but output is written line by line."""
    masker = Masker()
    masker.add(PEM)
    log = "".join(f"2026-01-01T00:00:00Z {line}\n" for line in PEM.splitlines())
    masked = masker.mask(log)
    assert not any(line in masked for line in KEY_LINES)
    assert masked.count("[masked]") == len(KEY_LINES)


def test_a_pem_split_by_line_or_folded(masker):
    """Airflow's masker knows a PEM as a whole only: split, joined with spaces or with commas it leaks fully."""
    masker.add(PEM)
    for written in (" ".join(PEM.split("\n")), repr(PEM.splitlines()), PEM.replace("\n", ","), PEM.replace("\n", "")):
        masked = masker.mask(written)
        assert not any(line in masked for line in KEY_LINES)


def test_a_multi_line_secret_in_an_echoed_command():
    r"""buildbot#4793 (and #5020): the header shows `argv: b"echo 'asdf\nfoo'"`, the repr of the bytes of a command."""
    value = "example-line-1\nexample-line-2\nexample-line-3"
    masker = Masker()
    masker.add(value)
    command = f"echo '{value}'"
    masked = masker.mask(f"{command}\n argv: {command.encode()!r}\n argv: {['sh', '-c', command]!r}\n")
    assert "example" not in masked
    assert masked.count("[masked]") == 3


def test_empty_values_do_not_mask_everything():
    """airflow#16007: an empty password put the mask between any two characters."""
    masker = Masker()
    for empty in ("", b"", " ", "\n"):
        masker.add(empty, name="db#PASSWORD")
    assert masker.mask("Logging error") == "Logging error"
    assert len(masker) == 0


def test_password_in_a_connection_uri_without_a_host():
    """airflow#38144: `azure://app:secret?tenantId=…` has no `@`, so the secret was not taken for a password."""
    masker = Masker()
    masker.add("azure://example-app:Example~Secret-_0123456?tenantId=t&subscriptionId=s")
    assert masker.mask("credential Example~Secret-_0123456 was refused") == "credential [masked] was refused"
    assert masker.mask("tenantId=t&subscriptionId=s") == "tenantId=t&subscriptionId=s"


@pytest.mark.parametrize(
    "shown",
    [
        "http://user:example%2Fpass@proxy.example:3128",
        "user:example%2Fpass",
        "ProxyError: 407 for user with example/pass",
        str({"https": "http://user:example%2Fpass@proxy.example:3128"}),
        "Proxy-Authorization: Basic " + base64.b64encode(b"user:example/pass").decode(),
    ],
)
def test_credentials_in_a_proxy_url(shown):
    """CVE-2025-68675: proxy URLs went into logs with their credentials; the host may stay (checklist 15)."""
    with override({"proxy": {"url": "http://user:example%2Fpass@proxy.example:3128"}}):
        tacenda.get("proxy")
    masked = registry().mask(shown)
    assert "[masked]" in masked
    assert "pass" not in masked
    assert registry().mask("proxy.example:3128") == "proxy.example:3128"


def test_what_is_rendered_and_stored(masker):
    """airflow#55943: rendered templates were stored with values in nested fields, in JSON and in commands."""
    rendered = {"env": {"a": [{"b": {"c": {"d": {"e": {"f": SECRET}}}}}]}, "bash_command": f"curl -H 'X: {SECRET}'"}
    assert SECRET not in masker.mask(json.dumps(rendered))
    assert SECRET not in masker.mask(repr(rendered))
    assert json.loads(masker.mask(json.dumps(rendered)))["bash_command"] == "curl -H 'X: [masked]'"


def test_masked_by_what_it_is_and_not_by_the_name_of_its_key():
    """CVE-2024-45784: values went into task logs because the names of their keys did not look like secrets."""
    with override(
        {"settings": {"sql_alchemy_conn": "example-conn", "broker": "example-broker", "colour": "example-c"}}
    ):
        tacenda.get("settings")
    assert registry().mask("example-conn example-broker example-c") == "[masked] [masked] [masked]"


def test_our_own_tokens_are_masked(monkeypatch):
    """CVE-2026-31987: the orchestrator's own JWT stood in the logs. Ours is masked before it is first sent."""
    monkeypatch.setenv("TACENDA_DEADLINE", "0.1")
    vault = {"provider": "vault", "vault_url": "http://127.0.0.1:1", "auth": {"method": "token", "token": JWT}}
    store = tacenda.open_store(config={"stacks": {"dev": {"secrets": {**vault, "vault_path": "ml"}}}})
    with pytest.raises(tacenda.errors.BackendUnavailable):
        store.get("anything")
    headers = {"Authorization": f"Bearer {JWT}", "X-Vault-Token": JWT}
    for shown in (str(headers), json.dumps(headers), f"GET /?token={JWT}", JWT.encode().hex()):
        masked = registry().mask(shown)
        assert "[masked]" in masked
        assert not any(part in masked for part in [*JWT.split("."), JWT.encode().hex()])


def test_one_registry_per_process():
    """CVE-2025-68438: two instances of the masker, each of which knew half of the values (checklist 10)."""
    from tacenda import _chain, _register, masking
    from tacenda.masking import _registry

    assert len({id(module.registry()) for module in (masking, _registry, _chain, _register, tacenda.masking)}) == 1


def test_masked_before_it_is_cut(masker):
    """CVE-2025-68438: fields were truncated first, and half a value is in no masker's list (checklist 11)."""
    field = "x" * 30 + SECRET * 3
    for width in range(len(field)):
        assert "example" not in masker.mask(field)[:width]


def test_a_value_that_is_split_over_writes(masker):
    """dagger#4864: a value written in two pieces was in neither (checklist 16)."""
    data = f"that is cool and {SECRET}, so do not leak it\n".encode()
    for cut in range(len(data) + 1):
        stream = masker.stream()
        assert stream.write(data[:cut]) + stream.write(data[cut:]) + stream.flush() == (
            b"that is cool and [masked], so do not leak it\n"
        )


def test_a_beginning_that_is_no_value_comes_out_after_all(masker):
    """dagger#4864, scenario 2: `this` was held back, `is creative` followed, and all of it has to be shown."""
    stream = masker.stream()
    assert stream.write(b"see example-t") + stream.write(b"ree\n") == b"see example-tree\n"


def test_no_long_silence_with_many_secrets():
    """dagger#5791: one buffer per secret, chained, kept the output back until the step had failed."""
    masker = Masker()
    for number in range(20):
        masker.add(f"example-secret-file-{number}\nsecond line {number}\n" * 50, name=str(number))
    stream = masker.stream()
    for number in range(100):
        line = b"connecting to db.example, attempt %d\n" % number
        assert stream.write(line) == line
    assert stream.write(b"waiting") + stream.pause() == b"waiting"


def test_a_value_with_whitespace_around_it():
    r"""dagger#8047: the secret is `foo\n`; `foo` alone must be masked, and `foo\n` must not become `***\n`."""
    masker = Masker()
    masker.add(f"{SECRET}\n")
    assert masker.mask(f"a {SECRET} b") == "a [masked] b"
    assert masker.mask(f"a {SECRET}\nb") == "a [masked]b"
    masker.add(f"\t {SECRET}-2 \r\n")
    assert masker.mask(f"a {SECRET}-2 b") == "a [masked] b"


def test_a_value_that_overlaps_itself_over_two_writes():
    """GitLab's runner: `abcabcabd-77`, cut after `abcabc`, lost its place when the beginning began again."""
    masker = Masker()
    masker.add("abcabcabd-77")
    for text, expected in ((b"abcabcabd-77", b"[masked]"), (b"abcabcabcabd-77", b"abc[masked]")):
        for cut in range(len(text) + 1):
            stream = masker.stream()
            assert stream.write(text[:cut]) + stream.write(text[cut:]) + stream.flush() == expected


PREFIXES = """
import itertools
from tacenda.masking import Masker
for values in itertools.permutations(["example-pass", "example-pass-longer", "example-pass-longer-still"]):
    masker = Masker()
    for value in values:
        masker.add(value)
    print(masker.mask("example-pass-longer-still example-pass-longer example-pass"))
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_value_that_begins_like_another_one(seed):
    """Airflow: under half of all hash seeds the tail of the longer value leaked. Here no order leaks, under any."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    output = subprocess.check_output([sys.executable, "-c", PREFIXES], env=environment, text=True)
    assert output == "[masked] [masked] [masked]\n" * 6


def test_derived_values():
    """CVE-2026-106499 (Backstage): `{{ secrets.x | dump }}`, base64, URL and case filters of a template."""
    value = 'example "quoted" & more/+'
    masker = Masker()
    masker.add(value)
    for derived in (
        json.dumps(value),
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(f"{value}!".encode()).decode(),
        urllib.parse.quote(value),
        value.encode().hex(),
        json.dumps(json.dumps({"a": value})),
        textwrap.indent(value, "  "),
        value.strip(),
    ):
        masked = masker.mask(derived)
        assert "[masked]" in masked
        assert not any(piece in masked for piece in ("quoted", "ZXhhbXBs", "6578616d706c65"))


def test_what_someone_wants_to_get_out_gets_out(masker):
    """Vela GHSA-7v38-w32m-wx4m: substitution (`${SECRET/e/_}`) evades every masker, and our page says so (18)."""
    assert masker.mask(bash("echo ${SECRET/e/_}", SECRET)) == f"{SECRET.replace('e', '_', 1)}\n"
    assert "no boundary" in " ".join(tacenda.masking.__doc__.split())


def test_a_value_next_to_anything(masker):
    """go-vela/types#303 and #333: values were found between spaces only, not in `?password=…&`, `[…]` or `>…<`."""
    for before, after in ("==", "?&", "[]", "><", "''", "xx", "__", "--", "(,", ":@"):
        assert masker.mask(f"{before}{SECRET}{after}") == f"{before}[masked]{after}"
