"""Put the pinned `uv` at `.tools/uv`: from PATH, through pip, or straight from PyPI. Standard library only.

A bare Debian has neither pip nor ensurepip, so the last way needs nothing but Python, and verifies what it
downloads against the digests below. Run by `make`; everything it writes lies in `.tools/` of the checkout.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urljoin

VERSION = "0.13.9"
# Wheel platform and sha256, per system and machine. Together with VERSION this is all there is to update.
WHEELS = {
    ("Linux", "x86_64"): (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    ("Linux", "aarch64"): (
        "manylinux_2_28_aarch64",
        "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
    ),
    ("Darwin", "x86_64"): (
        "macosx_10_12_x86_64",
        "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
    ),
    ("Darwin", "arm64"): (
        "macosx_11_0_arm64",
        "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    ),
}
TOOLS = Path(__file__).resolve().parent.parent / ".tools"


def say(text: str) -> None:
    """Tell on stderr what is being done."""
    print(f"[setup] {text}", file=sys.stderr)


def from_path() -> Path | None:
    """Return the `uv` on PATH if it is the pinned version: another one may read the lock differently."""
    found = shutil.which("uv")
    if found is None:
        return None
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return Path(found) if answer[1:2] == [VERSION] else None


def from_pip() -> Path | None:
    """Install uv with pip into a virtual environment: this way knows pip's own proxies, mirrors and certificates."""
    home = TOOLS / "venv"
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={VERSION}"],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(home, ignore_errors=True)
            return None
    return home / "bin" / "uv"


def from_wheel() -> Path:
    """Download the wheel from the package index, verify its digest and unpack the one file that is needed."""
    tag, digest = WHEELS[platform.system(), platform.machine()]
    wheel = f"uv-{VERSION}-py3-none-{tag}.whl"
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    page_url = f"{index.rstrip('/')}/uv/"
    page = fetch(page_url).decode()
    link = re.search(rf'href="([^"]*{re.escape(wheel)})[#"]', page)
    if link is None:
        raise SystemExit(f"{page_url} does not list {wheel}")
    content = fetch(urljoin(page_url, link[1]))
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{wheel} from {index} does not have the expected sha256 {digest}: nothing was installed")
    target = TOOLS / f"uv-{VERSION}"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        target.write_bytes(archive.read(f"uv-{VERSION}.data/scripts/uv"))
    target.chmod(0o755)
    return target


def fetch(url: str) -> bytes:
    """Return what a URL answers; urllib takes proxies, SSL_CERT_FILE and SSL_CERT_DIR from the environment."""
    request = urllib.request.Request(url, headers={"Accept": "text/html, application/octet-stream;q=0.9, */*;q=0.8"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            content: bytes = response.read()
            return content
    except urllib.error.URLError as error:
        raise SystemExit(
            f"cannot download {url}: {error.reason}\n"
            "  next: check the connection; for a certificate error install ca-certificates or set SSL_CERT_FILE"
        ) from None


def main() -> None:
    """Try the ways in order of how much they know about this machine."""
    if sys.version_info < (3, 10):
        raise SystemExit(
            f"Python 3.10 or newer is needed, this is {platform.python_version()}: make PYTHON=python3.X …"
        )
    TOOLS.mkdir(exist_ok=True)
    source = from_path()
    if source is None:
        say(f"getting uv {VERSION} (once, into .tools/)")
        source = from_pip() or from_wheel()
    link = TOOLS / "uv"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(source, TOOLS) if TOOLS in source.parents else source)  # the checkout may move


if __name__ == "__main__":
    main()
