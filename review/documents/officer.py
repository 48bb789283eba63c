"""The officer's print: a lodged form with first opinion and final decision."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import override

from register import codes
from review.documents import forms
from review.models import Case, Dossier, Opinion


def form_pdf(case: Case, dossier: Dossier, *, full_number: str | None = None) -> bytes:
    """The form of one version on A4. Opinions stand on the present version, which is the one they judge."""
    judged = dossier.version == case.version
    return forms.form_pdf(
        dossier.content,
        photo=bytes(dossier.photo) if dossier.photo else None,
        digest=dossier.digest,
        mark=forms.Mark.LODGED,
        full_number=full_number,
        lodged_on=timezone.localtime(dossier.lodged_at).date(),
        first=_given(case, Opinion.Level.FIRST) if judged else None,
        final=_given(case, Opinion.Level.FINAL) if judged else None,
    )


def _given(case: Case, level: Opinion.Level) -> forms.PrintedOpinion | None:
    given = (o for o in case.opinions.all() if o.level == level and o.standing == Opinion.Standing.GIVEN)
    opinion = next(given, None)
    if opinion is None:
        return None
    with override("zh-hans"):
        reasons = [codes.label("reason", code) for code in opinion.codes]
        words = [str(Opinion.Verdict(opinion.verdict).label), *reasons, opinion.text]
    return forms.PrintedOpinion(
        text="；".join(word for word in words if word),
        handler=opinion.author_name,
        chief=opinion.countersigned_by_name,
        on=timezone.localtime(opinion.countersigned_at or opinion.given_at).date(),
    )
