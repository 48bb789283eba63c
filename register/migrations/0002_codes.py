"""The code lists the portal ships with (register/data/codes.csv)."""

from django.db import migrations

from register.codes import rows_of_file, store


def load(apps, schema_editor):
    store(rows_of_file(), apps.get_model("register", "Code"))


class Migration(migrations.Migration):
    dependencies = [("register", "0001_initial")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop, elidable=False)]
