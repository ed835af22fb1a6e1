"""stage: a plan as a file that a person can review, registered in the book under its digest."""

from core.domain.errors import BrokenDocument
from core.domain.record import PlanRecord
from core.operate.alerting import raise_alert
from core.operate.desk import Desk
from core.plan.codec import StagedPlan, document_of, matches_document, read_staged
from core.plan.document import pretty
from core.plan.plan import Plan


def stage(desk: Desk, plan: Plan) -> dict[str, object]:
    """Supersedes the earlier stage. The book learns of the digest before the file can be seen."""
    document = document_of(plan)
    with desk.book.write() as book:
        book.register_plan(
            PlanRecord(
                plan_id=plan.plan_id,
                content_digest=str(document["content_digest"]),
                generated_at=plan.generated_at,
                expires_at=plan.expires_at,
            )
        )
    archive_staged(desk)
    desk.files.replace(desk.home.staged_file, pretty(document))
    desk.files.replace(desk.home.ambiguous_file, pretty(matches_document(plan)))
    desk.log.event("staged", plan_id=plan.plan_id, content_digest=document["content_digest"])
    if plan.ambiguous:
        raise_alert(
            desk,
            "ambiguous_matches_found",
            f"{len(plan.ambiguous)} matches of {plan.plan_id} wait for a person",
            subject=plan.plan_id,
        )
    return document


def archive_staged(desk: Desk) -> None:
    """Keeps the file that is about to be replaced, under its plan's id."""
    try:
        content = desk.files.read(desk.home.staged_file)
        plan_id = read_staged(content).plan.plan_id
    except (OSError, BrokenDocument):
        return  # nothing there, or nothing that could be called a plan
    desk.files.replace(desk.home.archive_dir / f"{plan_id}.json", content)


def staged_plan(desk: Desk) -> StagedPlan:
    """The plan now awaiting review."""
    try:
        content = desk.files.read(desk.home.staged_file)
    except FileNotFoundError:
        raise BrokenDocument("nothing is staged", hint="trueup stage") from None
    except OSError as error:
        raise BrokenDocument(
            f"{desk.home.staged_file.name} cannot be read: {error.strerror}"
        ) from None
    try:
        return read_staged(content)
    except BrokenDocument as error:
        error.hint = error.hint or "trueup stage"
        raise
