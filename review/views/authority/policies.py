"""The policy values: everybody at the authority reads them, the administrator enters dated ones."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from register import clock, policy_book, policy_effects
from register.models import Policy as Row
from register.policy_book import Field, Key
from review.forms.policies import PolicyForm
from review.views.desk import posted
from tenants.errors import Refusal
from tenants.guards import StaffRequest, staff_required
from tenants.roles import ADMINISTRATOR


@staff_required()
@require_safe
def policies(request: StaffRequest) -> HttpResponse:
    """Every value as it counts today, since when and by which source, and what is to come."""
    context = {"groups": policy_book.book(clock.today()), "keeps": _keeps(request)}
    return render(request, "review/authority/policies.html", context)


@staff_required()
@require_safe
def policy(request: StaffRequest, key: str) -> HttpResponse:
    """One key: its value today, and every value that was ever entered, by whom."""
    one, today = _key(key), clock.today()
    context = {
        "key": one,
        "standing": policy_book.standing(one, today),
        "history": [
            {"dated": dated, "standing": _word(dated.row), "open": _is_coming(dated.row)}
            for dated in policy_book.history(one)
        ],
        "keeps": _keeps(request),
    }
    return render(request, "review/authority/policy.html", context)


def _keeps(request: StaffRequest) -> bool:
    return ADMINISTRATOR.code in request.roles


def _key(key: str) -> Key:
    try:
        return policy_book.BY_KEY[key]
    except KeyError as error:
        raise Http404 from error


def _is_coming(row: Row) -> bool:
    return row.withdrawn_at is None and row.valid_from > clock.today()


def _word(row: Row) -> str:
    """Whether a value was taken back, is to come, or counts or has counted."""
    if row.withdrawn_at is not None:
        return _("已撤回")
    return _("尚未生效") if row.valid_from > clock.today() else _("已生效")


# --- A new value -------------------------------------------------------------------------------------------


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def policy_new(request: StaffRequest, key: str) -> HttpResponse:
    """Enter a value: first it is shown what it changes and for whom, then it is written."""
    one = _key(key)
    standing = policy_book.standing(one, clock.today())
    form = PolicyForm(posted(request), key=one, now=standing.value)
    context: dict[str, Any] = {
        "key": one,
        "standing": standing,
        "form": form,
        "percent": one.field == Field.SHARE,
    }
    if form.is_valid():
        try:
            if request.POST.get("confirmed") == _seen(form):
                return _enter(request, one, form)
            context["preview"] = _preview(one, form)
            context["seen"] = _seen(form)
        except Refusal as no:
            form.add_error(None, str(no.message))
    return render(request, "review/authority/policy_new.html", context)


def _seen(form: PolicyForm) -> str:
    """What the preview was shown for: another value or day is previewed first."""
    return f"{form.cleaned_data['value']} {form.cleaned_data['valid_from']}"


def _preview(key: Key, form: PolicyForm) -> dict[str, Any]:
    value, day = form.cleaned_data["value"], form.cleaned_data["valid_from"]
    policy_book.check(key=key, value=value, valid_from=day)
    rules = policy_book.rules_of(day)
    return {
        "before": key.in_words(getattr(rules, key.key)),
        "after": key.in_words(value),
        "day": day,
        "lines": policy_effects.effects(policy_effects.Change.of(key, value, day, rules)),
    }


def _enter(request: StaffRequest, key: Key, form: PolicyForm) -> HttpResponse:
    row = policy_book.enter(
        key=key,
        value=form.cleaned_data["value"],
        valid_from=form.cleaned_data["valid_from"],
        source=form.cleaned_data["source"],
        by=request.user,
        at=clock.now(),
    )
    said = _("已录入：{label}自{day}起为{value}。")
    messages.success(
        request,
        said.format(label=key.label, day=date_format(row.valid_from), value=key.in_words(row.value)),
    )
    return redirect("policy", key.key)


@staff_required(ADMINISTRATOR)
@require_http_methods(["GET", "POST"])
def policy_withdrawal(request: StaffRequest, key: str, row_id: int) -> HttpResponse:
    """Take back a value that does not count yet, asked once."""
    one = _key(key)
    row = get_object_or_404(Row, pk=row_id, key=one.key)
    if request.method == "POST":
        try:
            policy_book.withdraw(row=row, by=request.user, at=clock.now())
        except Refusal as no:
            messages.error(request, str(no.message))
        else:
            messages.success(request, _("已撤回，该值不再生效。撤回记录保留。"))
        return redirect("policy", one.key)
    if not _is_coming(row):
        messages.error(request, _("只能撤回尚未生效的值。"))
        return redirect("policy", one.key)
    context = {
        "title": _("确定撤回自{day}起的新值吗？").format(day=date_format(row.valid_from)),
        "lines": [
            _("{label}：{value}。依据：{source}").format(
                label=one.label, value=one.in_words(row.value), source=row.source
            ),
            _("撤回后此前的值继续有效，撤回人和时间留存。"),
        ],
        "act_label": _("确定撤回"),
        "tone": "danger",
        "cancel_url": reverse("policy", args=[one.key]),
    }
    return render(request, "components/confirm.html", context)
