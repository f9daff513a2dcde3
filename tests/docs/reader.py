"""The README's blocks, and somebody who copies them: yaml into files, console lines into a real shell."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from command_line import Terminal

from tacenda.testing import OpenBao

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

TYPED = "example-typed-value"
"""What the reader types where a command asks for a value."""


class Block(NamedTuple):
    """A fenced block: the headings it stands under, its language and its text."""

    section: str
    language: str
    text: str


def _blocks() -> list[Block]:
    section, found = "", []
    for heading, language, text in re.findall(r"(?m)^#+ (.+)$|^```(\w+)\n((?s:.*?))^```$", README):
        if heading:
            section = heading
        else:
            found.append(Block(section, language, text))
    return found


BLOCKS = _blocks()


def blocks(section: str, language: str) -> list[str]:
    """Return the texts of a section's blocks in one language; there must be some."""
    found = [block.text for block in BLOCKS if block.section == section and block.language == language]
    assert found, f"README has no {language} block under {section!r}"
    return found


def block(section: str, language: str) -> str:
    """Return the first of them."""
    return blocks(section, language)[0]


def commands(console: str) -> list[tuple[str, str]]:
    """Return a console block's commands, each with the output that is shown below it."""
    return re.findall(r"(?m)^\$ (.+)\n((?:(?!\$ ).+\n)*)", console)


def swap(text: str, old: str, new: object) -> str:
    """Replace what a reader must replace, such as the address of their server; it must be there."""
    assert old in text, f"README no longer says {old!r}"
    return text.replace(old, str(new))


def put(server: OpenBao, path: str, value: dict[str, str]) -> None:
    """Write a document by the backend's own means."""
    server.client().secrets.kv.v2.create_or_update_secret(path=path, secret=value)


class Reader:
    """Copies blocks into an empty directory, as a user without settings of their own."""

    def __init__(self, directory: Path) -> None:
        self.home, self.directory, programs = directory, directory / "project", directory / "bin"
        for folder in (self.directory, programs):
            folder.mkdir()
        # Whether the project is installed here or not: `tacenda` is the one under test, and nothing is installed anew.
        pyflyte = '-c "from flytekit.clis.sdk_in_container.pyflyte import main; main()" "$@"'
        does_what = {"tacenda": '-m tacenda "$@"', "python": '"$@"', "pip": "-c pass", "pyflyte": pyflyte}
        for name, does in does_what.items():
            program = programs / name
            program.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {does}\n")
            program.chmod(0o755)
        self.environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "USER": "reader",
            "NO_COLOR": "1",
        }
        if "PYTHONPATH" in os.environ:
            self.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]

    def writes(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.directory / name
        path.write_text(text)
        return path

    def runs(self, console: str) -> str:
        """Run a console block line by line in one shell, check the output it shows, and return what was seen.

        Where a command asks for a value, `TYPED` is typed.
        """
        lines = commands(console)
        assert lines, "a console block without a command"
        marks = [f"--- {number}" for number in range(len(lines) + 1)]
        script = [f"echo {marks[0]}"]
        for (line, _), mark in zip(lines, marks[1:], strict=True):
            script += [line, f"echo {mark}"]
        with Terminal(["/bin/sh", "-ec", "\n".join(script)], self.directory, self.environment) as terminal:
            for (line, expected), mark in zip(lines, marks[1:], strict=True):
                if "asks for the value" in line:
                    terminal.answer("Value of", f"{TYPED}\n")
                    terminal.answer("The same again", f"{TYPED}\n")
                terminal.expect(f"{mark}\r\n", patience=120)  # ZenML makes its database in its first run
                shown = terminal.seen.replace("\r\n", "\n").partition(f"{mark}\n")[0].rpartition("--- ")[2]
                assert shown.endswith(f"\n{expected}"), f"README shows {expected!r} under `{line}`; it is {shown!r}"
            assert terminal.finish() == 0, terminal.seen
        return terminal.seen.replace("\r\n", "\n")
