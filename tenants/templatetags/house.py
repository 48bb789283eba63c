"""What templates need for display and nothing else: icons, form controls, the chosen look."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    MultiWidget,
    RadioSelect,
    Select,
    Textarea,
    Widget,
)
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# The reader's wishes, kept by the page "appearance" in two cookies; any other value is ignored.
CLASS_OF_SIZE: Final = {"large": "large", "larger": "larger"}
CLASS_OF_CONTRAST: Final = {"high": "contrast"}

# The first fitting row wins, so a subclass stands above the class it extends.
KIND_OF_WIDGET: Final[tuple[tuple[type[Widget], str], ...]] = (
    (CheckboxSelectMultiple, "checkboxes"),
    (RadioSelect, "radios"),
    (CheckboxInput, "checkbox"),
    (FileInput, "file"),
    (Select, "select"),
    (Textarea, "textarea"),
    (MultiWidget, "several"),
)
CLASS_OF_KIND: Final = {
    "select": "form-select",
    "checkbox": "form-check-input",
    "radios": "form-check-input",
    "checkboxes": "form-check-input",
}


@register.simple_tag(takes_context=True)
def look(context: Context) -> str:
    """Classes of the html element: large or larger type, high contrast. Nothing without a request."""
    request: HttpRequest | None = context.get("request")
    cookies = request.COOKIES if request is not None else {}
    chosen = (
        CLASS_OF_SIZE.get(cookies.get("size", "")),
        CLASS_OF_CONTRAST.get(cookies.get("contrast", "")),
    )
    return " ".join(filter(None, chosen))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the page's own sprite: decoration beside a word, or with a label of its own."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="#i-{}"></use></svg>', label, name
        )
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-{}"></use></svg>', name
    )


@register.filter
def widget_kind(field: BoundField) -> str:
    """How a field is laid out: text, select, radios, checkbox, checkboxes, file, textarea, several."""
    widget = field.field.widget
    return next((kind for cls, kind in KIND_OF_WIDGET if isinstance(widget, cls)), "text")


@register.simple_tag
def control(field: BoundField, **attrs: Any) -> SafeString:
    """The field's widget with the house's class; Django itself adds aria-describedby and aria-invalid."""
    kind = widget_kind(field)
    classes = [
        str(field.field.widget.attrs.get("class", "")),
        CLASS_OF_KIND.get(kind, "form-control"),
        "is-invalid" if field.errors else "",
    ]
    named = {name.replace("_", "-"): value for name, value in attrs.items()}
    return field.as_widget(attrs={**named, "class": " ".join(filter(None, classes))})


@register.filter
def add_class(field: BoundField, css: str) -> SafeString:
    """The field's widget with one more class."""
    return field.as_widget(attrs={"class": f"{field.field.widget.attrs.get('class', '')} {css}".strip()})


@register.filter
def widget_attrs(field: BoundField, text: str) -> SafeString:
    """The field's widget with attributes given as `name=value; name=value`."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return field.as_widget(attrs={name.strip(): value.strip() for name, _, value in pairs})


@register.filter
def magnitude(number: int) -> int:
    """The number without its sign: days over time are told as days."""
    return abs(number)
