"""Finding a part of a name without reading every row."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Letters(models.Func):
    """The single letters of a text, in upper case: what an index of letters holds, and what is asked of it.

    Names of people have two or three characters, too few for an index of trigrams.
    """

    template = "string_to_array(upper(%(expressions)s), NULL)"
    output_field = ArrayField(models.TextField())
