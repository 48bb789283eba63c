from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("otp_totp", "0003_add_timestamps"),
        ("tenants", "0003_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="Authenticator",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("otp_totp.totpdevice",),
        ),
        migrations.AddField(
            model_name="user",
            name="second_factor_mark",
            field=models.CharField(blank=True, max_length=32),
        ),
    ]
