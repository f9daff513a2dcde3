"""`tacenda check`: what is configured, whether it answers, and what is risky about it. Never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tacenda._errors import worst
from tacenda.cli._exit import exit_code
from tacenda.cli._output import print_json
from tacenda.cli._session import Command, Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from tacenda.cli._flow_report import FlowReport
    from tacenda.cli._report import Report

__all__ = ["check"]


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--flow", metavar="FILE", help="Tell which secrets the steps of this Metaflow flow need instead.")
@click.option("--namespace", metavar="TAG", help="With --flow: the namespace, as `run --namespace` takes it.")
@json_option
@common_options
@pass_session
def check(session: Session, *, names: tuple[str, ...], flow: str | None, namespace: str | None, as_json: bool) -> int:
    """Tell which configuration and stack serve here, whether their backends answer, and what is risky.

    With names: also whether each of those secrets can be read. The exit code is 0, or that of the worst error;
    warnings do not change it.

    With --flow FILE: loads a Metaflow flow as a run does, tells which step needs which secrets and what each resolves
    to, reads each once, and points out what is risky in the source. What stands before `run` when the flow is run
    goes after `--`: tacenda check --flow train.py -- --config settings prod.json
    """
    if namespace is not None and flow is None:
        raise click.UsageError("--namespace goes with --flow")
    report = _report(session, names) if flow is None else _flow_report(session, flow, names, namespace)
    if as_json:
        print_json(report.as_json())
    else:
        report.show()
    errors = report.errors()
    return exit_code(worst(errors)) if errors else 0


def _report(session: Session, names: tuple[str, ...]) -> Report:
    from tacenda.cli._inspect import inspect

    return inspect(session, names)


def _flow_report(session: Session, flow: str, options: tuple[str, ...], namespace: str | None) -> FlowReport:
    from tacenda.cli._flow import inspect_flow

    if options and not options[0].startswith("-"):
        raise click.UsageError("with --flow, the flow names the secrets; after `--` come options of Metaflow's own")
    return inspect_flow(session, flow, options, namespace)
