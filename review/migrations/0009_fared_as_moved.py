from django.db import migrations

# How the cases fared that were on their way before these columns stood: as their movements say.
AS_MOVED = """
    UPDATE review_case c SET
        reported_on = m.reported_on,
        first_verdict = CASE m.reported_from
            WHEN 'first_passed' THEN 'pass' WHEN 'first_failed' THEN 'fail' ELSE '' END,
        decided_on = CASE WHEN m.stands THEN m.decided_on END,
        final_verdict = CASE WHEN NOT m.stands THEN ''
            WHEN m.decided_to = 'final_passed' THEN 'pass' ELSE 'fail' END,
        remands = m.remands
    FROM (
        SELECT case_id,
            (max(at) FILTER (WHERE act = 'refer') AT TIME ZONE 'Asia/Shanghai')::date AS reported_on,
            (array_agg(from_state ORDER BY number DESC) FILTER (WHERE act = 'refer'))[1] AS reported_from,
            (max(at) FILTER (WHERE decides) AT TIME ZONE 'Asia/Shanghai')::date AS decided_on,
            (array_agg(to_state ORDER BY number DESC) FILTER (WHERE decides))[1] AS decided_to,
            coalesce(max(number) FILTER (WHERE decides), 0)
                > coalesce(max(number) FILTER (WHERE act = 'reinstate'), 0) AS stands,
            count(*) FILTER (WHERE act = 'remand') AS remands
        FROM (
            SELECT *, act IN ('approve', 'refuse') AND to_state IN ('final_passed', 'final_failed') AS decides
            FROM review_movement
        ) AS moved
        GROUP BY case_id
    ) AS m
    WHERE m.case_id = c.id
"""
IN_THE_DOCKET = """
    UPDATE public.register_docketentry d SET
        reported_on = c.reported_on, decided_on = c.decided_on, first_verdict = c.first_verdict,
        final_verdict = c.final_verdict, corrections = c.corrections, remands = c.remands
    FROM review_case c
    WHERE c.id = d.case_id AND c.state <> 'handed_over'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0008_queue_letters"),
        ("register", "0006_national_desk"),
    ]

    operations = [
        migrations.RunSQL(AS_MOVED, migrations.RunSQL.noop),
        migrations.RunSQL(IN_THE_DOCKET, migrations.RunSQL.noop),
    ]
