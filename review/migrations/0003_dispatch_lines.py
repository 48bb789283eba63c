import uuid

import django.db.models.deletion
from django.db import migrations, models

# Dispatches sent before the lists were kept: the cases that still name them, by their number.
LIST_WHAT_WAS_SENT = """
    INSERT INTO review_dispatchline (id, dispatch_id, case_id, number, version, opinion_id)
    SELECT gen_random_uuid(), c.dispatch_id, c.id,
        row_number() OVER (PARTITION BY c.dispatch_id ORDER BY c.reference), c.version,
        (SELECT o.id FROM review_opinion o
            WHERE o.case_id = c.id AND o.level = 'first' AND o.standing = 'given')
    FROM review_case c WHERE c.dispatch_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0002_paper_slips"),
    ]

    operations = [
        migrations.CreateModel(
            name="DispatchLine",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveSmallIntegerField(verbose_name="序号")),
                ("version", models.PositiveSmallIntegerField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dispatch_lines",
                        to="review.case",
                    ),
                ),
                (
                    "dispatch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="review.dispatch",
                    ),
                ),
                (
                    "opinion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="review.opinion",
                    ),
                ),
            ],
            options={
                "verbose_name": "报送汇总表",
                "verbose_name_plural": "报送汇总表",
                "ordering": ["number"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("dispatch"), models.F("number"), name="dispatch_line_number"
                    )
                ],
            },
        ),
        migrations.RunSQL(LIST_WHAT_WAS_SENT, migrations.RunSQL.noop),
    ]
