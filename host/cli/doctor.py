"""`tritstream doctor`: what this machine can run, and what to install for the rest."""

import argparse
from dataclasses import asdict

from tritstream.cli.options import add_json, print_json
from tritstream.doctor import Finding, examine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    findings = examine()
    if args.json:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    return 0


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        if finding.found:
            mark, detail = "[green]yes", "; ".join(filter(None, (finding.found, finding.advice)))
        else:
            mark, detail = "[yellow]no", f"for {finding.purpose}: {finding.advice}"
        table.add_row(mark, finding.name, escape(detail))
    Console().print(table)
