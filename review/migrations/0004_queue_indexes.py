import django.contrib.postgres.indexes
from django.db import migrations, models

import register.letters

OPEN = [
    "accepted",
    "correction",
    "deemed_accepted",
    "first_failed",
    "first_passed",
    "reported",
    "sent_back",
    "submitted",
]


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0003_dispatch_lines"),
    ]

    operations = [
        # The open cases by due date stand in an index of their own; what is over has no deadline.
        migrations.RemoveIndex(model_name="case", name="case_by_due"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["due_on", "id"],
                include=("state", "assignee"),
                condition=models.Q(("state__in", OPEN)),
                name="case_open_by_due",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["state_since", "id"], include=("state",), name="case_by_since"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                models.F("due_on"), condition=models.Q(("due_on__isnull", False)), name="case_with_due"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=django.contrib.postgres.indexes.GinIndex(
                register.letters.Letters("applicant_name"),
                register.letters.Letters("employer_name"),
                name="case_by_letters",
            ),
        ),
    ]
