"""The search that other tests rely on finds what it has to find, and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
from urllib.parse import quote

import pytest
from programs import places_of, run

VALUE = 'example-vä"lue/1\nexample second line'


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
@pytest.mark.parametrize("after", [b"", b"z", b"yz"])
@pytest.mark.parametrize(
    "encode",
    [
        bytes,
        base64.b64encode,
        base64.urlsafe_b64encode,
        lambda data: data.hex().encode(),
        lambda data: data.hex().upper().encode(),
        lambda data: quote(data).encode(),
        lambda data: quote(data, safe="").encode(),
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.decode().encode("utf-16-be"),
        lambda data: json.dumps({"deep": [data.decode()]}).encode(),
        lambda data: data.splitlines()[-1],
        gzip.compress,
    ],
)
def test_every_form_is_found(tmp_path, encode, before, after):
    """A value is found whatever it is encoded as, and wherever in something longer it stands."""
    (tmp_path / "fine").write_bytes(encode(before + b"[masked]" + after))
    (tmp_path / "deep").mkdir()
    leaking = tmp_path / "deep" / "leaking"
    leaking.write_bytes(encode(before + VALUE.encode() + after))
    assert places_of(VALUE, tmp_path) == [str(leaking)]


def test_where_it_looks(tmp_path):
    """Outputs are searched, and files, but for those that keep values and for older ones; nothing is no search."""
    (tmp_path / ".secrets.json").write_text("example-value")
    with pytest.raises(AssertionError, match="nothing to search"):
        places_of("example-value", tmp_path)
    (tmp_path / "log").write_text("example-value")
    assert places_of(["example-other", "example-value"], tmp_path) == [str(tmp_path / "log")]
    assert places_of("example-value", tmp_path, kept_in=["log"]) == [str(tmp_path / ".secrets.json")]
    assert places_of("example-value", output="it is example-value") == ["the output"]
    later = (tmp_path / "log").stat().st_mtime + 60
    with pytest.raises(AssertionError, match="nothing to search"):
        places_of("example-value", tmp_path, since=later)


def test_a_home_of_its_own(tmp_path, monkeypatch):
    """A program gets nothing of the developer's environment, and what it writes stays in its home."""
    monkeypatch.setenv("EXAMPLE_SETTING", "of the developer")
    code = "import os, sys, tempfile; print(os.environ.get('EXAMPLE_SETTING'), os.environ['OWN'], os.getcwd())\n"
    code += "print(tempfile.mkdtemp(), file=sys.stderr, flush=True); sys.exit(3)"
    done = run("python", "-c", code, home=tmp_path, OWN="example")
    assert done.returncode == 3
    assert f"None example {tmp_path}\n" in done.stdout
    assert f"{tmp_path}/tmp/" in done.stdout
