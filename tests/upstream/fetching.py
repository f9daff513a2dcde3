"""Archives of upstream's sources, of which the tests are taken."""

from __future__ import annotations

import tarfile
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path, PurePosixPath

import pytest

ELSEWHERE = "UPSTREAM_SOURCES"
"""The environment variable that names a directory of checkouts, for machines that do not reach GitHub."""


def download(url: str) -> bytes:
    """Return an archive; without a connection the test fails, and says what to do."""
    try:
        with urllib.request.urlopen(url, timeout=120) as response:
            return response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
    return pytest.fail(
        f"cannot download {url}: {reason}\n"
        f"  next: check the connection, or name a directory that has checkouts: {ELSEWHERE}=… make test-extra",
        pytrace=False,
    )


def unpack(archive: bytes, target: Path, directory: str = "tests") -> None:
    """Unpack the files below a directory of an archive that has one directory on top."""
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        for member in files:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if member.isfile() and path.parts[:1] == (directory,) and ".." not in path.parts:
                place = target / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(files.extractfile(member).read())
