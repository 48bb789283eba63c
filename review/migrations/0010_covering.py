from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0009_fared_as_moved"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="case",
            name="case_open_by_due",
        ),
        migrations.RemoveIndex(
            model_name="case",
            name="case_by_since",
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "accepted",
                            "correction",
                            "deemed_accepted",
                            "first_failed",
                            "first_passed",
                            "reported",
                            "sent_back",
                            "submitted",
                        ],
                    )
                ),
                fields=["due_on", "id"],
                include=("state", "assignee", "kind", "category"),
                name="case_open_by_due",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["state_since", "id"],
                include=("state", "assignee", "kind", "category"),
                name="case_by_since",
            ),
        ),
    ]
