from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0004_queue_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="clock_days",
            field=models.PositiveSmallIntegerField(null=True),
        ),
    ]
