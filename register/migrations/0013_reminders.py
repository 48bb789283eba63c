from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("register", "0012_entry_errors")]

    operations = [
        migrations.CreateModel(
            name="ReminderRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("book", models.CharField(max_length=20)),
                ("day", models.DateField()),
                ("reached", models.UUIDField(null=True)),
                ("posted", models.PositiveIntegerField(default=0)),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": (models.UniqueConstraint("book", "day", name="reminder_run_once_a_day"),),
            },
        ),
    ]
