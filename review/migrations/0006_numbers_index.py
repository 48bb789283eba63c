from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0005_clock_days"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="movement",
            index=models.Index(models.F("at"), name="movement_by_time"),
        ),
    ]
