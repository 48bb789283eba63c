"""Display helpers of templates: the look a reader chose, icons, form controls."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template


def render(source: str, **context: object) -> str:
    return Template("{% load house %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("cookies", "classes"),
    [
        ({}, ""),
        ({"size": "large"}, "large"),
        ({"size": "larger", "contrast": "high"}, "larger contrast"),
        ({"size": "normal", "contrast": "normal"}, ""),
        ({"size": '"><script>', "contrast": "x"}, ""),
    ],
)
def test_the_page_takes_the_chosen_look_and_nothing_else(cookies: dict[str, str], classes: str) -> None:
    assert render("{% look %}", request=SimpleNamespace(COOKIES=cookies)) == classes


def test_a_page_without_request_has_the_standard_look() -> None:
    assert render("{% look %}") == ""


def test_an_icon_is_decoration_unless_it_is_named() -> None:
    assert 'aria-hidden="true"' in render('{% icon "check" %}')
    assert 'role="img" aria-label="&lt;公告&gt;"' in render('{% icon "bell" label %}', label="<公告>")


class Paper(forms.Form):
    name = forms.CharField(help_text="与公章一致")
    kind = forms.ChoiceField(choices=[("1", "一")])
    full = forms.ChoiceField(choices=[("1", "是")], widget=forms.RadioSelect)
    agreed = forms.BooleanField()
    scan = forms.FileField()
    words = forms.CharField(widget=forms.Textarea)


@pytest.mark.parametrize(
    ("name", "kind", "css"),
    [
        ("name", "text", "form-control"),
        ("kind", "select", "form-select"),
        ("full", "radios", "form-check-input"),
        ("agreed", "checkbox", "form-check-input"),
        ("scan", "file", "form-control"),
        ("words", "textarea", "form-control"),
    ],
)
def test_every_widget_has_its_layout_and_class(name: str, kind: str, css: str) -> None:
    field = Paper()[name]
    assert render("{{ field|widget_kind }}", field=field) == kind
    assert f'class="{css}"' in render("{% control field %}", field=field)


def test_a_wrong_field_names_its_error_its_help_and_the_way_to_it() -> None:
    form = Paper({})
    page = render(
        '{% include "components/error_summary.html" %}'
        '{% include "components/field.html" with field=form.name %}',
        form=form,
    )
    assert 'href="#id_name"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_name_helptext id_name_error"' in page
    assert 'id="id_name_helptext"' in page
    assert 'id="id_name_error"' in page


@pytest.mark.parametrize(
    ("left", "tone", "words"),
    [
        (-2, "due-over", "已超期 2 个工作日"),
        (0, "due-now", "今天到期"),
        (1, "due-now", "还剩 1 个工作日"),
        (3, "due-soon", "还剩 3 个工作日"),
        (4, "due ", "还剩 4 个工作日"),
        (None, "muted", "—"),
    ],
)
def test_a_deadline_is_told_in_words(left: int | None, tone: str, words: str) -> None:
    page = render('{% include "components/due.html" %}', left=left)
    assert tone in page
    assert words in page
