"""The real command, run as users run it: a process of its own, in a directory and home of its own."""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

VALUE = "example-value-kLm81"
"""A value that nothing else prints."""

COMMAND = [sys.executable, "-m", "tacenda"]
RUN = ("run", "--secret", "token", "--")
_ON_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def python(code: str) -> list[str]:
    """Return the command that runs a Python program."""
    return [sys.executable, "-c", code]


class Done:
    """What a command printed, and its exit code."""

    def __init__(self, process: subprocess.CompletedProcess[bytes]) -> None:
        self.out, self.raw = process.stdout.decode("utf-8", "replace"), process.stdout
        self.err = process.stderr.decode()
        self.code = process.returncode

    def ok(self) -> Done:
        """Return this, if all went well."""
        assert self.code == 0, self.err
        return self


class Cli:
    """Runs `tacenda` in `directory`, without the developer's own settings."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.home.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        paths = [str(Path(path).absolute()) for path in kept.pop("PYTHONPATH", "").split(os.pathsep) if path]
        # Without adapters `check` need not start Metaflow, which takes a second.
        self.environment = {**kept, "HOME": str(self.home), "TACENDA_ADAPTERS": "none"}
        if paths:
            self.environment["PYTHONPATH"] = os.pathsep.join(paths)
        self._started: list[subprocess.Popen[bytes]] = []

    def end(self) -> None:
        """End what was started and still runs."""
        for process in self._started:
            process.kill()
            process.wait()

    def __call__(
        self, *arguments: str, stdin: str | bytes = b"", cwd: str = ".", command: list[str] = COMMAND, **variables: str
    ) -> Done:
        """Run it with arguments, standard input and environment variables, and return what came of it."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        process = subprocess.run(
            [*command, *arguments],
            input=data,
            capture_output=True,
            cwd=self.directory / cwd,
            env={**self.environment, **variables},
            check=False,
            timeout=60,
        )
        done = Done(process)
        assert "Traceback" not in done.err
        return done

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
        """Start it and return the process, which ends with the test."""
        process = subprocess.Popen([*COMMAND, *arguments], cwd=self.directory, env=self.environment, **options)
        self._started.append(process)
        return process

    def shell(self, line: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a line of bash in which `tacenda` is the command."""
        return subprocess.run(
            ["bash", "-c", line.replace("tacenda ", f"{shlex.join(COMMAND)} ")],
            cwd=self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def terminal(self, *arguments: str, command: list[str] = COMMAND, **variables: str) -> Terminal:
        """Start it on a terminal of its own."""
        return Terminal([*command, *arguments], self.directory, {**self.environment, **variables})

    def write(self, name: str, text: str) -> Path:
        """Write a file into its directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def configure(self, secrets: str, stack: str = "dev") -> None:
        """Write a tacenda.yaml with one stack."""
        self.write("tacenda.yaml", f"stacks: {{{stack}: {{secrets: {secrets}}}}}\n")


class Terminal:
    """A command on a pseudo-terminal: what is seen there, and keys typed into it."""

    def __init__(self, command: list[str], cwd: Path, environment: dict[str, str]) -> None:
        self._screen, inner = pty.openpty()
        self.seen = ""
        self._expected = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ON_A_TERMINAL, *command],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            cwd=cwd,
            env={**environment, "TERM": "xterm"},
        )
        os.close(inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def expect(self, text: str, patience: float = 20) -> None:
        """Wait until a text is seen, after the one that was expected last, for so many seconds at most."""
        deadline = time.monotonic() + patience
        while text not in self.seen[self._expected :]:
            assert time.monotonic() < deadline, f"{text!r} never came: {self.seen!r}"
            assert self._read(), f"it ended without {text!r}: {self.seen!r}"
        self._expected = self.seen.index(text, self._expected) + len(text)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._screen)[3] & termios.ECHO)

    def answer(self, prompt: str, text: str) -> None:
        """Type a text after a prompt that does not echo."""
        self.expect(prompt)
        deadline = time.monotonic() + 20
        while self.echoes:
            assert time.monotonic() < deadline, f"the terminal still echoes: {self.seen!r}"
            time.sleep(0.005)
        self.type(text)

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._screen, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C until it ends, and return its exit code.

        Once may not be enough: Python forgets a signal that comes just before it starts to read.
        """
        deadline = time.monotonic() + 20
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"Ctrl-C does not end it: {self.seen!r}"
            self.type("\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=1)
        return self.finish()

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self._screen)
        os.close(nowhere)

    def finish(self) -> int:
        """Wait for its end and return its exit code; `seen` is complete then."""
        while self._read():
            pass
        return self.process.wait(timeout=20)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], 60)
        try:
            chunk = os.read(self._screen, 4096) if ready else b""
        except OSError:  # Linux: the other side is closed
            return False
        self.seen += chunk.decode()
        return bool(chunk)
