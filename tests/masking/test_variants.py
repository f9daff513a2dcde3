"""A value is masked in every form, each made by the encoder or program that really writes it."""

from __future__ import annotations

import base64
import binascii
import csv
import html
import io
import json
import pickle
import pprint
import quopri
import re
import shlex
import subprocess
import sys
import textwrap
import time
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tacenda.masking import Masker
from tacenda.masking._forms._variants import AS_THEY_ARE, ENCODINGS, ESCAPES, LONGEST, PARTS, variants

AWKWARD = "exa\"mple'<&>\\p a/ss+wörd=🔑$`%{x}!~\tend"
PLAIN = "example-token_0123456789"
TOKEN = "example+token/0123456789=="
CONTROLS = "exä\x01mple\x7f/\x1b[1m\"x\" & 'y'"
POSSESSIVE = "exämple's\x01own\\pass"
LONG = "example long/secret+" * 12


def csv_cell(text):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([text])
    return out.getvalue().strip()[1:-1]


def in_shell(script, text):
    """What a real bash writes about a value, which it gets in its environment."""
    done = subprocess.run(
        ["bash", "-c", script], env={"V": text, "PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    return done.stdout + done.stderr


def element(text):
    node = ET.Element("a", {"b": text})
    node.text = text
    return ET.tostring(node)


def go_json(text, *, ensure_ascii=False):
    """Go's json.Marshal, and so kubectl, terraform and vault, write <, > and & as numbers."""
    written = json.dumps(text, ensure_ascii=ensure_ascii)
    return written.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def go_quoted(text):
    """Go's %q, as Buildkite and most logfmt writers have it."""
    short = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(short.get(c) or repr(c)[1:-1] for c in text)


def octal(text, quotes):
    """C's escapes: bytes beyond ASCII in octal, and a backslash before some quotes."""
    short = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\", **{ord(quote): f"\\{quote}" for quote in quotes}}
    return "".join(short.get(c) or (chr(c) if 32 <= c < 127 else f"\\{c:03o}") for c in text.encode())


def basic_auth(text):
    return b"Authorization: Basic " + base64.b64encode(f"user:{text}".encode())


ENCODERS = {
    "as it is": str,
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).rstrip(b"="),
    "base64url without padding": lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"="),
    "base64 with a line end": lambda text: base64.b64encode(text.encode() + b"\n"),
    "base64 of 76": lambda text: base64.encodebytes(text.encode()).strip(),
    "base64 of 76 with CRLF": lambda text: base64.encodebytes(text.encode()).strip().replace(b"\n", b"\r\n"),
    "base64 of 64": lambda text: "\n".join(textwrap.wrap(base64.b64encode(text.encode()).decode(), 64)),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: base64.b16encode(text.encode()),
    "hexlify": lambda text: binascii.hexlify(text.encode()),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "UTF-32 LE": lambda text: text.encode("utf-32-le"),
    "quote": urllib.parse.quote,
    "quote all": lambda text: urllib.parse.quote(text, safe=""),
    "quote in lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(text)),
    "quote_plus": urllib.parse.quote_plus,
    "urlencode": lambda text: urllib.parse.urlencode({"": text})[1:],
    "encodeURIComponent": lambda text: urllib.parse.quote(text, safe="!'()*"),
    "userinfo": lambda text: urllib.parse.quote(text, safe="!$&'()*+,;=:"),
    "URL in a query": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "JSON of Go": lambda text: go_json(text)[1:-1],
    "JSON of Flask": lambda text: go_json(text, ensure_ascii=True)[1:-1].replace("'", "\\u0027"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON in JSON not ASCII": lambda text: json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False)[3:-3],
    "repr": lambda text: repr(text)[1:-1],
    "repr of a text with an apostrophe": lambda text: repr("'" + text)[1:-1].removeprefix("\\")[1:],
    "repr of a text with a quote": lambda text: repr('"' + text)[2:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "repr in repr": lambda text: repr(repr(f"\0{text}\0")).split("\\\\x00")[1],
    "repr in repr with quotes": lambda text: repr(repr(f"'\"\0{text}\0")).split("\\\\x00")[1],
    "Go-quoted": go_quoted,
    "protobuf": lambda text: octal(text, "\"'"),
    "git": lambda text: octal(text, '"'),
    "backslashreplace": lambda text: text.encode("ascii", "backslashreplace"),
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "repr of a bytearray": lambda text: repr(bytearray(text.encode()))[12:-2],
    "shlex.quote": lambda text: shlex.quote(text)[1:-1] if shlex.quote(text) != text else text,
    "html.escape": html.escape,
    "html.escape but quotes": lambda text: html.escape(text, quote=False),
    "markupsafe": lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    "saxutils.escape": escape,
    "saxutils.quoteattr": lambda text: quoteattr(text.replace("\t", ""))[1:-1] if "\t" not in text else escape(text),
    "XML with &apos;": lambda text: escape(text, {"'": "&apos;", '"': "&quot;"}),
    "xmlcharrefreplace": lambda text: escape(text).encode("ascii", "xmlcharrefreplace"),
    "CSV": csv_cell,
    "YAML and SQL": lambda text: text.replace("'", "''"),
    "docker compose": lambda text: text.replace("$", "$$"),
}


def covers(encoder, text):
    """Whether a masker that knows a text leaves nothing of what an encoder makes of it."""
    written = ENCODERS[encoder](text)
    written = written.encode("utf-8", "surrogatepass") if isinstance(written, str) else written
    masker = Masker()
    masker.add(text)
    return masker.mask(b"<" + written + b">") == b"<[masked]>"


TEXTS = {
    "plain": PLAIN,
    "token": TOKEN,
    "awkward": AWKWARD,
    "controls": CONTROLS,
    "possessive": POSSESSIVE,
    "long": LONG,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_real_encoders_write_is_masked(encoder, text):
    """Each encoder's whole output for a value is one mask (checklist 12)."""
    assert covers(encoder, text)


LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])


@given(text=st.text(LETTERS, min_size=8, max_size=40), encoder=st.sampled_from(sorted(ENCODERS)))
@example(text="0000000'\"", encoder="repr")
@example(text="0000000\\", encoder="repr of bytes")
@example(text="%25%25%25", encoder="URL in a query")
def test_any_text_through_any_encoder(text, encoder):
    """Whatever a secret is made of, what an encoder makes of it does not get through."""
    masker = Masker()
    masker.add(text)
    if not len(masker) or text != text.strip():
        return
    assert covers(encoder, text)


@given(text=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=6), before=st.binary())
def test_inside_more_base64(text, before):
    """`base64(user + ":" + password)`: at every alignment at most two characters at either side stay."""
    masker = Masker()
    masker.add(text)
    if not len(masker) or text != text.strip():
        return
    written = base64.b64encode(before + text.encode())
    assert len(masker.mask(written).replace(b"[masked]", b"")) <= (len(before) * 8) // 6 + 2
    embedded = base64.b64encode(before + text.encode() + b"-and-more")
    assert b"[masked]" in masker.mask(embedded)


def test_basic_auth():
    """The password of an HTTP header, whose user nobody registered (actions/runner#161)."""
    masker = Masker()
    masker.add(PLAIN)
    masked = masker.mask(basic_auth(PLAIN))
    assert masked.startswith(b"Authorization: Basic ")
    assert masked.endswith(b"[masked]")


SCRIPTS = {
    "set -x": 'set -x; : "$V"',
    "printf %q": 'printf %q "$V"',
    "declare -p": "declare -p V",
    "export -p": "export -p",
    "base64": 'printf %s "$V" | base64',
    "echo | base64": 'echo "$V" | base64',
    "base64 -w 64": 'printf %s "$V" | base64 -w 64',
    "od": 'printf %s "$V" | od -An -v -tx1 | tr -d " \\n"',
    "unquoted": "set -f; echo -E x$V",
    "@Q": 'echo -E "${V@Q}"',
    "indented base64": 'printf %s "$V" | base64 | sed "s/^/    /"',
}


@pytest.mark.parametrize(
    "text", [PLAIN, TOKEN, "exämple pass's", "exa'm\"ple$pa`ss\\w!rd;(x)&<y>~{a}[b]*?#|^=:@,", LONG]
)
@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_shell_writes(script, text):
    """Traces, declarations, quoting and the tools of a real bash: nothing that holds the value is left."""
    masker = Masker()
    masker.add(text)
    written = in_shell(SCRIPTS[script], text.strip())
    masked = masker.mask(written)
    assert b"[masked]" in masked
    for piece in (
        text.strip().encode()[3:11],
        base64.b64encode(text.encode())[4:12],
        text.encode()[3:11].hex().encode(),
    ):
        assert piece not in masked


def test_numpy_in_a_pickle():
    """An array of text in an artifact holds four bytes a character."""
    numpy = pytest.importorskip("numpy")
    masker = Masker()
    masker.add(AWKWARD)
    data = pickle.dumps(numpy.array([AWKWARD, "x"]))
    assert AWKWARD.encode("utf-32-le") in data
    assert b"[masked]" in masker.mask(data)


def test_pickles_and_pprint():
    """Plain pickles hold UTF-8; pprint holds the repr."""
    masker = Masker()
    masker.add(AWKWARD)
    for data in (pickle.dumps({"a": [AWKWARD]}), pprint.pformat({"a": AWKWARD}, width=500).encode()):
        assert b"[masked]" in masker.mask(data)


def test_elementtree():
    """Text and attributes of an XML document in ASCII."""
    text = "exämple <&> pass"
    masker = Masker()
    masker.add(text)
    assert masker.mask(element(text)) == b'<a b="[masked]">[masked]</a>'


@pytest.mark.parametrize(
    ("text", "codec", "errors"),
    [
        *(("exämple-pässword", codec, "strict") for codec in ("latin-1", "cp1252", "iso8859-15", "mac-roman", "cp850")),
        *(("пароль-example", codec, "strict") for codec in ("cp1251", "koi8-r")),
        *(("例えば-example", codec, "strict") for codec in ("shift_jis", "euc-jp", "gb18030")),
        *(("exämple-€-password", "ascii", errors) for errors in ("replace", "namereplace", "backslashreplace")),
        ("exämple-pässword", "utf-8", "strict"),
    ],
)
def test_other_charsets(text, codec, errors):
    """A terminal or file that is not UTF-8, and what Python prints where it cannot print a character."""
    masker = Masker()
    masker.add(text)
    assert masker.mask(text.encode(codec, errors)) == b"[masked]"


def test_question_marks_are_no_value():
    """What is left of a value in a charset that lacks most of it stands for too much else."""
    masker = Masker()
    masker.add("пароль")
    assert masker.mask(b"really??????") == b"really??????"


@given(st.binary(min_size=6, max_size=64))
def test_binary_values(value):
    """Bytes that are no text: base64, hex, repr and percent-encoding are masked like a text's."""
    masker = Masker()
    masker.add(value)
    if not len(masker) or value != value.strip():
        return
    for written in (
        value,
        base64.b64encode(value),
        value.hex().encode(),
        urllib.parse.quote(value, safe="").encode(),
        repr(value)[2:-1].encode(),
    ):
        assert masker.mask(b"<" + written + b">").strip(b"<>") == b"[masked]"


@given(st.binary(min_size=1, max_size=80), st.integers(1, 12))
def test_variants_are_deterministic_and_long_enough(value, min_length):
    """`remove` takes back what `add` registered; nothing shorter than the minimum is looked for."""
    forms = variants(value, min_length)
    assert forms == variants(value, min_length)
    assert all(len(form) >= min_length for form in forms)
    assert (value in forms) == (len(value) >= min_length)


@given(st.text(min_size=6, max_size=40))
def test_removal_leaves_nothing(text):
    """After the last `remove` no form of the value is masked any longer."""
    masker = Masker()
    masker.add(text)
    masker.remove(text)
    assert masker.longest == 0


def test_short_values_are_masked_as_they_are_only():
    """Even with a lower minimum `YQ` is not masked as the base64 of `a` (actions/runner#326)."""
    masker = Masker(min_length=1)
    masker.add("a")
    masker.add(" b ")
    assert masker.mask("YQ 61 Yg a b") == "YQ 61 Yg [masked] [masked]"


def test_very_long_values():
    """What no backend stores is masked whole and line by line, without a hundred copies in memory."""
    value = b"example line %d\n" % 7 * (LONGEST // 10)
    assert len(variants(value, 6)) <= 4
    masker = Masker()
    masker.add(value)
    assert masker.mask(b"a\n" + value + b"b") == b"a\n[masked]b"


def test_every_form_has_a_reason_and_is_needed():
    """No form without a reason, no name twice, and each one makes something of an awkward value."""
    table = [*AS_THEY_ARE, *PARTS, *ENCODINGS, *ESCAPES]
    assert len({form.name for form in table}) == len(table)
    assert all(form.reason for form in table)
    values = [
        AWKWARD.encode() + b"\nsecond line",
        LONG.encode(),
        b' {"a": "example"}',
        b"x://u:example@h",
        b"ZXhhbXBsZQ==",
        "exämple".encode(),
        b"x7Kq2mZ9w4Tb8Lc1Vn5R",
    ]
    for form in table:
        assert any(set(form.make(value)) - {value} for value in values), form.name


def test_what_is_left_out_on_purpose():
    """Reversed, in other letter case or spaced out a value is not masked: that is no accident (checklist 18)."""
    masker = Masker()
    masker.add(PLAIN)
    for text in (PLAIN[::-1], PLAIN.upper(), " ".join(PLAIN), quopri.encodestring(b"=" + PLAIN[:9].encode()).decode()):
        assert masker.mask(text) == text


def test_plain_values_have_few_forms():
    """A plain token has at most 14 forms, because forms that equal the value are counted once."""
    assert len(variants(PLAIN.encode(), 6)) <= 14


def test_a_thousand_values_take_milliseconds():
    """Registering is part of every read, so it must not be felt (airflow#54540: a slow masker is left out)."""
    values = [f"example-token-{number:026}".encode() for number in range(1000)]

    def seconds():
        start = time.process_time()
        for value in values:
            variants(value, 6)
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.6


def test_no_heavy_module_is_imported():
    """The helper process starts in milliseconds: json, html, shlex, re and urllib are not needed for a token."""
    code = (
        "import sys; before = set(sys.modules); from tacenda.masking._forms._variants import variants;"
        "variants(b'example+token/0123456789==', 6); variants(b'postgres://u:example@h/x', 6);"
        "print(sorted({'json', 'html', 'shlex', 'urllib.parse', 'logging', 'base64'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
