"""What `tacenda check` has to say, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tacenda.cli._output import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tacenda._errors import SecretError
    from tacenda.cli._adapters import Adapter

__all__ = ["Asked", "Choice", "Report"]

_LEVELS = {
    "logging": "log records, warnings and tracebacks",
    "streams": "sys.stdout and sys.stderr",
    "descriptors": "descriptors 1 and 2, subprocesses included",
}


class Asked(NamedTuple):
    """A provider or a secret, and what came of asking.

    Attributes:
        what: the provider as it describes itself, or the secret's name.
        error: why it does not answer; None if it does.
        can: for a provider, what it is able to do.
    """

    what: str
    error: SecretError | None = None
    can: Sequence[str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain types."""
        plain: dict[str, Any] = {"name": self.what, "ok": self.error is None}
        if self.can is not None:
            plain["can"] = list(self.can)
        if self.error is not None:
            plain["error"] = {
                "kind": type(self.error).__name__,
                "message": self.error.message,
                "tried": self.error.tried,
                "next": self.error.hint,
            }
        return plain

    def show(self) -> None:
        """Print it in a line, or in several if it does not answer."""
        click.echo(f"  {printable(self.what)}: ", nl=False)
        if self.error is None:
            click.secho("ok", fg="green")
        else:
            click.secho(type(self.error).__name__, fg="red")
            click.echo("    " + str(self.error).replace("\n", "\n    "))
        if self.can is not None:
            click.echo(f"    can: {', '.join(self.can)}")


class Choice(NamedTuple):
    """What was chosen, and why."""

    name: str | None
    why: str

    def __str__(self) -> str:
        return f"{self.name or 'none'} ({self.why})"


class Report(NamedTuple):
    """What was found.

    Attributes:
        configuration: the configuration file.
        stack: the stack.
        providers: its chain.
        secrets: the secrets that were named.
        adapters: the orchestrators that are installed.
        masking: each level at which output can be masked, and why it cannot here; None if it can.
        warnings: a sentence for each risk.
    """

    configuration: Choice
    stack: Choice
    providers: Sequence[Asked]
    secrets: Sequence[Asked]
    adapters: Sequence[Adapter]
    masking: Mapping[str, str | None]
    warnings: Sequence[str]

    def errors(self) -> list[SecretError]:
        """Return what went wrong."""
        return [asked.error for asked in (*self.providers, *self.secrets) if asked.error is not None]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain types."""
        return {
            "configuration": self.configuration._asdict(),
            "stack": self.stack._asdict(),
            "providers": [asked.as_json() for asked in self.providers],
            "secrets": [asked.as_json() for asked in self.secrets],
            "adapters": [adapter._asdict() for adapter in self.adapters],
            "masking": {level: {"ok": why_not is None, "why_not": why_not} for level, why_not in self.masking.items()},
            "warnings": list(self.warnings),
        }

    def show(self) -> None:
        """Print it for a person."""
        click.echo(f"configuration: {self.configuration}")
        click.echo(f"stack: {self.stack}")
        for title, asked in (("providers", self.providers), ("secrets", self.secrets)):
            if asked:
                click.echo(f"{title}:")
            for one in asked:
                one.show()
        click.echo("orchestrators:" if self.adapters else "orchestrators: none is installed here")
        for adapter in self.adapters:
            state = "active" if adapter.active else "not active"
            click.echo(f"  {adapter.orchestrator} {adapter.version}: {state} ({adapter.note})")
        click.echo("masking:")
        for level, why_not in self.masking.items():
            click.echo(f"  {_LEVELS[level]}: {why_not or 'ok'}")
        for warning in self.warnings:
            click.secho("warning: ", fg="yellow", nl=False)
            click.echo(warning)
