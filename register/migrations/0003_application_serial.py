"""The serial inside application numbers. It wraps after 999,999; year and kind stand before it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("register", "0002_codes")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE public.register_application_serial MINVALUE 1 MAXVALUE 999999 CYCLE",
            "DROP SEQUENCE public.register_application_serial",
        ),
    ]
