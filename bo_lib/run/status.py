"""What ran for a business date, from the store."""

from __future__ import annotations

import sys
from datetime import date

from bo_lib.run import screen
from bo_lib.run.day import plan
from bo_lib.run.errors import Exit
from bo_lib.run.ledger import Ledger
from bo_lib.run.runner import FIRM
from bo_lib.store.locks import is_held


def states(ledger: Ledger, day: date) -> dict[tuple[str, str], str]:
    """(fund, notebook) -> how its last attempt for ``day`` stands; one that began and that nobody carries out is interrupted."""
    found: dict[tuple[str, str], str] = {}
    outputs = ledger.office.root / ledger.office.firm.outputs
    for fact in ledger.of_day(day):
        said = fact.payload
        if fact.kind == "run.started":
            begun = "started" if is_held(outputs, said["key"]) else "interrupted; started"
            now = f"{begun} {fact.known_at[:16]}Z by {fact.actor}"
        else:
            now = f"{said['verdict'] or said['state']} {said['seconds']} s"
        found[said["fund"] or FIRM, said["notebook"]] = now
    return found


def show_status(ledger: Ledger, day: date) -> int:
    """Print funds by steps of the day, then whatever else ran; the exit code is that of the worst of them."""
    cells = states(ledger, day)
    planned = plan(ledger.office, day)
    if planned.nodes:
        screen.show_grid(planned, cells)
    scheduled = {(node.fund, node.step.notebook) for node in planned.nodes}
    if others := sorted(cells.keys() - scheduled):
        screen.show(
            "also ran" if planned.nodes else f"{day:%A} {day}", ["fund", "notebook", ""], [[*key, cells[key]] for key in others]
        )
    waiting = _waiting(ledger, day)
    sys.stdout.writelines(f"{line}\n" for line in waiting)
    if any(
        cell.startswith(("failed", "blocked", "interrupted")) for (fund, _), cell in cells.items() if fund not in planned.broken
    ):
        return Exit.FAILED
    if planned.broken:
        return Exit.USAGE
    attention = waiting or any(cell.startswith("attention") for cell in cells.values())
    return Exit.ATTENTION if attention else Exit.OK


def _waiting(ledger: Ledger, day: date) -> list[str]:
    """A sentence for each fund some of whose events wait for a person; nothing is read from the inbox for it."""
    from bo_lib.views.pages.books import waits
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.known import AS_RECORDED

    known = ((fund.id, len(Workbench(ledger.office, fund.id, day, AS_RECORDED).refusals())) for fund in ledger.office.funds)
    return [f"{fund_id}: {waits(n, fund_id)}" for fund_id, n in known if n]
