from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_signin")]

    operations = [
        migrations.AddField(
            model_name="preparedfile",
            name="starts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
