from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("register", "0004_announcements_appeals_training")]

    operations = [
        migrations.RemoveConstraint(model_name="appeal", name="one_open_appeal_per_document"),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.UniqueConstraint(
                models.F("document_digest"),
                models.F("certificate_number"),
                models.F("name"),
                condition=models.Q(("outcome", "")),
                name="one_open_appeal_per_claim",
            ),
        ),
    ]
