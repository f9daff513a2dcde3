"""What `tacenda check --flow` has to say, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tacenda import _errors
from tacenda._errors import SecretError
from tacenda.cli._output import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tacenda.cli._flow_scan import Finding
    from tacenda.cli._report import Choice

__all__ = ["FlowReport"]


class FlowReport(NamedTuple):
    """What was found.

    Attributes:
        flow: the flow's name.
        file: its file.
        namespace: the run's namespace; None is the global one.
        stack: the stack in force, which serves plain names.
        steps: its steps in the order of the graph, in plain types: `step`, its name; `declares`, whether it has
            `@secrets`; `secrets`, its sources, each with `ok`, null if only the run decides; and `error`, what is
            wrong with them together.
        warnings: what is risky in its source.
    """

    flow: str
    file: str
    namespace: str | None
    stack: Choice
    steps: Sequence[Mapping[str, Any]]
    warnings: Sequence[Finding]

    def errors(self) -> list[SecretError]:
        """Return what went wrong."""
        return [*self._errors()]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain types."""
        return {
            "flow": {"name": self.flow, "file": self.file},
            "namespace": self.namespace,
            "stack": self.stack._asdict(),
            "steps": [{name: step[name] for name in ("step", "declares", "secrets", "error")} for step in self.steps],
            "warnings": [{**finding._asdict(), "file": str(finding.file)} for finding in self.warnings],
        }

    def show(self) -> None:
        """Print it for a person: a table of the steps, then the errors, each once, and the warnings."""
        click.echo(f"flow: {self.flow} ({self.file})")
        click.echo(f"namespace: {self.namespace or 'the global one'}")
        click.echo(f"stack: {self.stack}")
        rows = [row for step in self.steps for row in _rows(step)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            # The last column is not padded, and may be as long as it likes.
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            click.echo("  ".join([*cells, row[3]]).rstrip())
        for message in dict.fromkeys(map(str, self.errors())):
            click.secho("error: ", fg="red", nl=False)
            click.echo(message)
        for finding in self.warnings:
            click.secho("warning: ", fg="yellow", nl=False)
            click.echo(str(finding))

    def _errors(self) -> Iterator[SecretError]:
        for step in self.steps:
            yield from (_error(row["error"]) for row in step["secrets"] if row["error"])
            if step["error"]:
                yield _error(step["error"], f"step {step['step']!r} will fail: ")


def _error(told: Mapping[str, Any], where: str = "") -> SecretError:
    error: SecretError = getattr(_errors, told["kind"])(where + told["message"], tried=told["tried"], hint=told["next"])
    return error


def _rows(step: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    if not step["secrets"]:
        yield step["step"], "has @secrets without a source" if step["declares"] else "declares no secrets", "", ""
    name = step["step"]
    for row in step["secrets"]:
        state = {True: "ok", False: (row["error"] or {}).get("kind"), None: row["note"]}[row["ok"]]
        note = f"({row['note']})" if row["note"] and row["ok"] is not None else ""
        yield name, printable(row["source"]), str(state), printable(f"{row['from'] or ''} {note}".strip())
        name = ""
