"""A real home in a temporary directory, driven through the real command line."""

import contextlib
import io
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.main import run
from core.domain.snapshot import BrokerSnapshot
from core.observe.snapshot_document import snapshot_document

ARMED = {"DRY_RUN": "false", "SAFE_MODE": "false", "DRY_RUN_CONFIRM": "true"}


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class HomeUnderTest:
    """`trueup` typed in a home of its own; account file and book are edited from outside."""

    def __init__(self, root: Path):
        self.root = root
        self.config_file = root / "config" / "local_reconcile.yml"
        self.paper_file = root / "data" / "paper_broker.json"
        self.book_file = root / "data" / "orders.db"
        self.staged_file = root / "staged" / "staged_actions.json"
        self.sentinel = root / "status" / "SAFE_MODE"

    # --- the command line -----------------------------------------------------------------------

    def trueup(self, *arguments: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([*arguments, "--home", str(self.root)])
        return Result(int(code), out.getvalue(), err.getvalue())

    def must(self, *arguments: str, code: int = 0) -> Result:
        """The same, and it has to end as expected."""
        result = self.trueup(*arguments)
        told = f"trueup {' '.join(arguments)} → {result.code}\n{result.out}\n{result.err}"
        assert result.code == code, told
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        return self.must(*arguments, "--json", code=code).document

    # --- the configuration ----------------------------------------------------------------------

    def set(self, **values: str) -> None:
        """Edits top-level keys of the file, as an operator does."""
        lines = self.config_file.read_text().splitlines()
        for name, value in values.items():
            lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in lines]
        self.config_file.write_text("\n".join(lines) + "\n")

    def set_in(self, section: str, **values: str) -> None:
        """Edits keys inside a section; they stand below its name, indented."""
        lines = self.config_file.read_text().splitlines()
        at = lines.index(f"{section}:")
        for name, value in values.items():
            row = next(n for n in range(at + 1, len(lines)) if lines[n].startswith(f"  {name}:"))
            lines[row] = f"  {name}: {value}"
        self.config_file.write_text("\n".join(lines) + "\n")

    def arm(self) -> None:
        self.set(**ARMED)

    # --- the broker -------------------------------------------------------------------------------

    @property
    def account(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.paper_file.read_text())
        return document

    def rewrite_account(self, document: dict[str, Any]) -> None:
        self.paper_file.write_text(json.dumps(document, indent=2))

    def tell(self, snapshot: BrokerSnapshot, **simulation: Any) -> None:
        """The paper venue holds exactly this from now on."""
        document = json.loads(snapshot_document(snapshot))
        if simulation:
            document["simulation"] = simulation
        self.rewrite_account(document)

    def broker_orders(self) -> list[dict[str, Any]]:
        return list(self.account["orders"])

    # --- the book ---------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        connection = sqlite3.connect(self.book_file)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query, values)]
        finally:
            connection.close()

    def execute(self, statement: str, *values: Any) -> None:
        """An outsider with the sqlite3 shell."""
        connection = sqlite3.connect(self.book_file)
        with connection:
            connection.execute(statement, values)
        connection.close()

    # --- the workflow -----------------------------------------------------------------------------

    def plan_id(self) -> str:
        return str(json.loads(self.staged_file.read_text())["plan_id"])

    def stage_and_approve(self, *names: str) -> str:
        self.must("stage", "--quiet")
        if names:
            flags = [part for name in names for part in ("--approve", name)]
            self.must("review", *flags, "--quiet")
        return self.plan_id()

    def adopt_all(self) -> None:
        """Brings the book to what the broker says, whatever it takes."""
        self.arm()
        self.must("apply", "--confirm", self.stage_and_approve("all"), "--quiet")


def make_home(root: Path) -> HomeUnderTest:
    home = HomeUnderTest(root)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert run(["init", str(root)]) == 0
    return home


def by_id(rows: Iterable[dict[str, Any]], name: str = "broker_order_id") -> dict[str, Any]:
    return {row[name]: row for row in rows}


def is_live(row: dict[str, Any]) -> bool:
    return row["status"] in ("open", "partially_filled")
