from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("register", "0011_covering")]

    operations = [
        migrations.AlterField(
            model_name="personchange",
            name="what",
            field=models.CharField(
                choices=[
                    ("name", "更正姓名"),
                    ("document", "更正证件号码"),
                    ("entry", "更正登记错误的证件号码"),
                    ("merger", "合并重复人员"),
                ],
                max_length=10,
                verbose_name="事项",
            ),
        ),
    ]
