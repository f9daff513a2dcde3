"""Cards in a real flow: what a step puts on one, what the default card shows by itself, and all files on the way."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.metaflow

KEY = "example-key-4711"
HIDDEN = "example-hidden-4711"
INLINE = "example-inline-4711"
FILES = {
    "tacenda.yaml": "stacks: {dev: {secrets: {provider: local, path: .secrets.json}}}",
    ".secrets.json": json.dumps({"api-keys": {"KEY": KEY, "HOST": "db.example"}, "hidden": HIDDEN}),
}
FLOW = """
import json, os
from metaflow import FlowSpec, card, current, secrets, step
from metaflow.cards import Artifact, Image, Markdown, MetaflowCardComponent, ProgressBar, Table, VegaChart
import tacenda

os.remove = lambda path: None  # the files by which components travel stay, so that the test can look into them

class Custom(MetaflowCardComponent):
    def __init__(self, text):
        self.text = text
    def render(self):
        return f"<b>custom {self.text}</b>"

class CardFlow(FlowSpec):
    @card(options={"only_repr": True})
    @secrets(sources=["api-keys",
        {"type": "inline", "id": "inline", "options": {"env_vars": {"INLINE": "example-inline-4711"}}}])
    @step
    def start(self):
        key, inline = os.environ["KEY"], os.environ["INLINE"]
        self.host = "db.example"
        own = current.card
        own.append(Markdown(f"# markdown {key}"))
        own.append(Table([[f"table {key}", 1], ["db.example", {"nested": key}]], headers=[f"header {key}"]))
        own.append(Artifact({"artifact": key}, name="shown"))
        own.append(Image(b"\\x89PNG\\r\\n\\x1a\\n" + f"image {key}".encode(), label=f"label {key}"))
        own.append(VegaChart({"mark": "bar", "data": {"values": [{"chart": key}]}}))
        own.append(Custom(f"{key} {inline}"))
        own.append(ProgressBar(label=f"bar {key}", max=2), id="bar")
        own.components["bar"].update(1, metadata=f"progress {key}")
        own.refresh({"data": key}, force=True)
        self.next(self.end)

    @card
    @secrets(sources=["api-keys"], allow_leak=["allowed"], env=False)
    @step
    def end(self):
        self.allowed = {"allowed": str.__str__(tacenda.get("hidden"))}

if __name__ == "__main__":
    CardFlow()
"""


class Cards:
    """A run with cards."""

    def __init__(self, output: str, directory: Path) -> None:
        self.output = output
        self.directory = directory
        self.data = [json.loads(path.read_text()) for path in self.files("json")]

    def page(self, step: str) -> str:
        (path,) = (path for path in self.files("html") if step in path.parts)
        return path.read_text()

    def files(self, kind: str) -> list[Path]:
        return list((self.directory / ".metaflow" / "mf.cards").rglob(f"*.{kind}"))


@pytest.fixture(scope="module")
def cards(run_flow: Any, tmp_path_factory: pytest.TempPathFactory) -> Cards:
    directory = tmp_path_factory.mktemp("cards")
    temporary = directory / "temporary"
    temporary.mkdir()
    done = run_flow(FLOW, FILES, directory=directory, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stdout
    return Cards(done.stdout, directory)


def decoded(page: str) -> str:
    """Return a page with what it has in base64 appended."""
    texts = [base64.b64decode(text + "==", validate=False) for text in re.findall(r"[A-Za-z0-9+/]{200,}", page)]
    return page + b"\n".join(texts).decode("utf-8", "replace")


def test_pages(cards: Cards) -> None:
    """Each component is there, masked, and pages are otherwise whole: also the default card's own data."""
    first, last = (decoded(cards.page(step)) for step in ("start", "end"))
    for told in ("markdown", "table", "header", "label", "bar", "custom"):
        assert f"{told} [masked]" in first, told
    assert '"chart": "[masked]"' in first
    assert "db.example" in first
    assert '"INLINE": "[masked]"' in first.replace('\\"', '"')  # the source code
    assert "'allowed': '[masked]'" in last
    assert "Card render failed" not in cards.output


def test_runtime_data(cards: Cards) -> None:
    """So is the data that changes while the step runs."""
    assert len(cards.data) >= 2
    assert "bar [masked]" in json.dumps(cards.data)


def test_nowhere(cards: Cards, leaks_below: Any) -> None:
    """Neither the cards nor the files by which components travel hold a value; the default card shows source code."""
    assert leaks_below(cards.directory / ".metaflow" / "mf.cards", [KEY, HIDDEN, INLINE]) == {}
    assert len(list((cards.directory / "temporary").glob("*.json"))) >= 3
    assert leaks_below(cards.directory / "temporary", [KEY, HIDDEN, INLINE]) == {}
    found = leaks_below(cards.directory / ".metaflow", [KEY, HIDDEN, INLINE])
    assert list(found.values()) == [[HIDDEN]]  # the artifact that is allowed
    assert not [value for value in (KEY, HIDDEN, INLINE) if value in cards.output]
