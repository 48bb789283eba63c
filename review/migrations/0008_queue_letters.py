import django.contrib.postgres.indexes
from django.db import migrations, models

import register.letters

OPEN = [
    "accepted",
    "correction",
    "deemed_accepted",
    "first_failed",
    "first_passed",
    "reported",
    "sent_back",
    "submitted",
]


# Proposals that wait for their signature already: the case, and its line in the docket.
TO_SIGN = """
    UPDATE review_case c SET awaits_signature = true WHERE c.state = 'reported' AND EXISTS (
        SELECT 1 FROM review_opinion o WHERE o.case_id = c.id AND o.level = 'final' AND o.standing = 'pending'
    )
"""
TO_SIGN_IN_DOCKET = """
    UPDATE public.register_docketentry d SET awaits_signature = true
    FROM review_case c WHERE c.id = d.case_id AND c.awaits_signature
"""


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0007_fared"),
        ("register", "0008_docket_queue"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="awaits_signature",
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(TO_SIGN, migrations.RunSQL.noop),
        migrations.RunSQL(TO_SIGN_IN_DOCKET, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="case",
            index=django.contrib.postgres.indexes.GinIndex(
                register.letters.Letters("applicant_name"),
                register.letters.Letters("employer_name"),
                condition=models.Q(("state__in", OPEN)),
                name="case_open_by_letters",
            ),
        ),
    ]
