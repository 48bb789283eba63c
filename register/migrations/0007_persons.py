import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Collate, Upper

import register.letters


class Migration(migrations.Migration):
    dependencies = [
        ("register", "0006_national_desk"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="person",
            index=models.Index(Collate(Upper("name"), "C"), models.F("id"), name="person_by_name"),
        ),
        migrations.AddIndex(
            model_name="person",
            index=django.contrib.postgres.indexes.GinIndex(
                register.letters.Letters("name"), name="person_by_letters"
            ),
        ),
        migrations.AddField(
            model_name="registration",
            name="end_ground",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="registration",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="docketentry",
            name="false_material",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="docketentry",
            index=models.Index(
                "lodged_on",
                condition=models.Q(("false_material", True)),
                name="docket_of_proposals",
            ),
        ),
    ]
