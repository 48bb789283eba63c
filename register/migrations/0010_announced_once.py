from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("register", "0009_training_importer")]

    operations = [
        migrations.RemoveConstraint(model_name="batchline", name="announced_once_per_batch"),
        migrations.AddConstraint(
            model_name="batchline",
            constraint=models.UniqueConstraint("registration", name="announced_once"),
        ),
    ]
