"""`tacenda check --flow FILE`: which steps of a Metaflow flow need which secrets, and whether each can be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tacenda._config import TACENDA_STACK
from tacenda._errors import ConfigurationError, MissingDependency
from tacenda.cli._flow_process import load
from tacenda.cli._flow_report import FlowReport
from tacenda.cli._flow_scan import Finding, findings, has_steps, uses
from tacenda.cli._flow_source import sources
from tacenda.cli._output import say
from tacenda.cli._report import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tacenda.cli._flow_source import Source
    from tacenda.cli._session import Session

__all__ = ["inspect_flow"]


def inspect_flow(session: Session, file: str, options: Sequence[str], namespace: str | None) -> FlowReport:
    """Return which secrets the steps of a flow need, whether each can be read, and what is risky in its source.

    Args:
        session: the common options.
        file: the flow's file.
        options: what stands before `run` when the flow is run.
        namespace: as `run --namespace` takes it; None leaves it to Metaflow.

    Raises:
        UsageError: if the file is no Metaflow flow.
        SecretError: if the flow cannot be loaded.
    """
    parsed = _parsed(file)
    told = load(session, file, options, namespace)
    if "no_flow" in told:
        raise click.UsageError(told["no_flow"])
    found = findings(parsed)
    if "failed" in told:
        for finding in found:
            say(f"warning: {finding}")
        raise ConfigurationError(told["failed"], hint=told.get("next"))
    return FlowReport(
        flow=told["flow"],
        file=file,
        namespace=told["namespace"],
        stack=_choice(session, told["stack"]),
        steps=told["steps"],
        warnings=[*found, *_undeclared(told["steps"], parsed)],
    )


def _parsed(file: str) -> list[Source]:
    """Return the flow's source, if that is what it can be: any other program must not be run."""
    from importlib.util import find_spec

    try:
        parsed = sources(Path(file))
    except OSError as error:
        raise click.UsageError(f"--flow cannot read {file}: {error.strerror}") from None
    except SyntaxError as error:
        raise ConfigurationError(f"{file} cannot be loaded: {error.msg} (line {error.lineno})") from None
    # A flow may have all that it needs from a library of the company's.
    if not any("metaflow" in source.packages() or has_steps(source) for source in parsed):
        raise click.UsageError(
            f"{file} is no Metaflow flow: it does not import metaflow; --flow reads flows of Metaflow only, not of "
            "Flyte, ZenML or FlowyML: `tacenda check NAME...` reads the secrets that you name"
        )
    if find_spec("metaflow") is None:
        raise MissingDependency(
            f"{file} is a Metaflow flow, and Metaflow is not installed here",
            hint="install it, for example with: pip install 'tacenda[metaflow]'",
        )
    return parsed


def _choice(session: Session, stack: Mapping[str, Any]) -> Choice:
    # The process that looked was told by variables what options say here.
    why = stack["why"].replace(f"{TACENDA_STACK}=", "--stack ") if session.stack_name else stack["why"]
    return Choice(stack["name"], why)


def _undeclared(steps: Sequence[Mapping[str, Any]], parsed: Sequence[Source]) -> Iterator[Finding]:
    """Yield a finding for each step that reads `current.secrets` and, as Metaflow has loaded it, declares none."""
    used = {(source.path.resolve(), first): (source.path, line) for source in parsed for first, line in uses(source)}
    for step in steps:
        path, line = used.get((Path(step["file"]).resolve(), step["line"]), (None, 0))
        if path and not step["declares"]:
            yield Finding(
                path,
                line,
                f"step {step['step']!r} reads current.secrets and declares no secrets, so it will fail: write "
                "@secrets(sources=['NAME']) above @step",
            )
