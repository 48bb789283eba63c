from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("tenants", "0008_audit"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(models.F("name"), condition=models.Q(("kind", "staff")), name="staff_by_name"),
        ),
    ]
