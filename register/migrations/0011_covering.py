from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("register", "0010_announced_once"),
        ("tenants", "0008_audit"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="docketentry",
            name="docket_open_by_due",
        ),
        migrations.RemoveIndex(
            model_name="docketentry",
            name="docket_by_since",
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                condition=models.Q(("open", True)),
                fields=["due_on", "case_id"],
                include=(
                    "state",
                    "officer",
                    "agency",
                    "kind",
                    "category",
                    "clock",
                    "awaits_signature",
                    "lodged_on",
                    "reported_on",
                    "corrections",
                    "remands",
                ),
                name="docket_open_by_due",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                fields=["updated_at", "case_id"],
                include=("state", "open", "officer", "agency", "kind", "category", "clock", "due_on"),
                name="docket_by_since",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                fields=["lodged_on"],
                include=("agency", "state", "open", "corrections"),
                name="docket_by_lodged",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                condition=models.Q(("reported_on__isnull", False)),
                fields=["reported_on"],
                include=("agency", "state", "open", "remands"),
                name="docket_by_reported",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                condition=models.Q(("decided_on__isnull", False)),
                fields=["decided_on"],
                include=("agency", "state", "open", "first_verdict", "final_verdict"),
                name="docket_by_decided",
            ),
        ),
    ]
