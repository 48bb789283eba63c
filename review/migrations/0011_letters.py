import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0010_covering"),
    ]

    operations = [
        migrations.CreateModel(
            name="Letter",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=30)),
                ("number", models.CharField(blank=True, max_length=80, verbose_name="文号")),
                ("values", models.JSONField()),
                ("content", models.JSONField(default=dict)),
                ("content_digest", models.CharField(blank=True, max_length=64)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.PositiveIntegerField(default=0)),
                ("path", models.CharField(blank=True, max_length=200)),
                ("ordered_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("made_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="letters", to="review.case"
                    ),
                ),
                (
                    "movement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="letters",
                        to="review.movement",
                    ),
                ),
            ],
            options={
                "verbose_name": "文书",
                "verbose_name_plural": "文书",
                "ordering": ["ordered_at"],
                "indexes": [
                    models.Index(
                        models.F("due_at"),
                        condition=models.Q(
                            ("made_at__isnull", True),
                            models.Q(("last_error", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="letter_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("movement"), models.F("name"), name="one_letter_per_movement"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("made_at__isnull", True), ("path", ""), ("sha256", "")),
                            models.Q(
                                ("made_at__isnull", False),
                                models.Q(("sha256", ""), _negated=True),
                                models.Q(("path", ""), _negated=True),
                                models.Q(("content_digest", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="kept_letter_has_its_hash",
                    ),
                ],
            },
        ),
    ]
