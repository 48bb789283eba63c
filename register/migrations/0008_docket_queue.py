import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models

import register.letters


class Migration(migrations.Migration):
    dependencies = [
        ("register", "0007_persons"),
    ]

    operations = [
        migrations.AddField(
            model_name="docketentry",
            name="awaits_signature",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                models.F("due_on"),
                models.F("case_id"),
                condition=models.Q(("awaits_signature", True)),
                name="docket_to_sign",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                models.F("due_on"),
                models.F("case_id"),
                condition=models.Q(("open", True)),
                name="docket_open_by_due",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                models.F("due_on"), condition=models.Q(("due_on__isnull", False)), name="docket_with_due"
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(fields=["updated_at", "case_id"], include=("state",), name="docket_by_since"),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                fields=["agency", "updated_at", "case_id"], include=("state",), name="docket_by_agency_since"
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(models.F("officer"), models.F("state"), name="docket_by_officer"),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                django.db.models.functions.text.Right("dispatch_number", 12),
                models.F("dispatch_number"),
                condition=models.Q(("dispatch_number", ""), _negated=True),
                name="docket_by_dispatch",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                fields=["dispatch_number"], name="docket_of_dispatch", opclasses=("varchar_pattern_ops",)
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=django.contrib.postgres.indexes.GinIndex(
                register.letters.Letters("applicant_name"),
                register.letters.Letters("employer_name"),
                name="docket_by_letters",
            ),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=django.contrib.postgres.indexes.GinIndex(
                register.letters.Letters("applicant_name"),
                register.letters.Letters("employer_name"),
                condition=models.Q(("open", True)),
                name="docket_open_by_letters",
            ),
        ),
    ]
