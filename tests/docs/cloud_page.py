"""The pages on the clouds, and what a test wants of them: blocks, the table of settings, the table of symptoms."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tacenda.errors import SecretError

ROOT = Path(__file__).parents[2]


class Page:
    """The page of a cloud, `examples/<cloud>/README.md`."""

    def __init__(self, cloud: str) -> None:
        self.directory = ROOT / "examples" / cloud
        self.text = (self.directory / "README.md").read_text()

    def blocks(self, language: str) -> list[str]:
        """Return its blocks in a language."""
        found = re.findall(rf"(?m)^```{language}\n((?s:.*?))^```$", self.text)
        assert found, f"the page has no {language} block"
        return found

    def commands(self, program: str) -> list[list[str]]:
        """Return each command of a program in its `sh` blocks and in its tables and sentences, as words."""
        lines = "\n".join(self.blocks("sh")).replace("\\\n", " ").splitlines()
        lines += re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```$", "", self.text))
        lines += re.findall(rf"\$\(({program} [^)]+)\)", "\n".join(lines))
        return [shlex.split(line) for line in lines if line.startswith(f"{program} ") and "…" not in line]

    def settings(self) -> set[str]:
        """Return the settings that its table names."""
        table = self.text.partition("| setting | meaning |")[2].partition("\n\n")[0]
        return set(re.findall(r"(?m)^\| `(\w+)`", table))

    def explains(self, errors: Sequence[SecretError]) -> None:
        """See that the last table has a row for each error, not two, and no row that none of them is found by."""
        table = self.text.partition("| tacenda says | cause |")[2]
        rows = {text: _pattern(text) for text in re.findall(r"(?m)^\| `([^`]+)` \|", table)}
        found = {
            (said := f"{type(error).__name__}: {error}"): [text for text, row in rows.items() if row.match(said)]
            for error in errors
        }
        unclear = {said: texts for said, texts in found.items() if len(texts) != 1}
        assert not unclear, f"no row, or more than one: {unclear}"
        silent = set(rows) - {text for texts in found.values() for text in texts}
        assert not silent, f"nothing prints: {silent}"


def raised(call: Callable[[], object]) -> SecretError:
    """Return the error that a call raises."""
    with pytest.raises(SecretError) as failure:
        call()
    return failure.value


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*?".join(map(re.escape, text.split("…"))), re.DOTALL)
