from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_agencies")]

    operations = [
        migrations.AlterField(
            model_name="preparedfile",
            name="kind",
            field=models.CharField(
                choices=[
                    ("export", "导出"),
                    ("prints", "批量打印"),
                    ("archive", "电子卷宗"),
                    ("check", "校验"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="accessrecord",
            index=models.Index("at", "id", name="access_by_time"),
        ),
    ]
