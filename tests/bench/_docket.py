"""A docket of many agencies written by one statement, for measuring what reads it."""

from __future__ import annotations

from typing import Any, Final

AGENCIES: Final = 151
# Without people behind the lines: the docket's key to them is dropped in this database of one run.
LOOSEN: Final = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT conname FROM pg_constraint
            WHERE conrelid = 'register_docketentry'::regclass AND contype = 'f'
            AND confrelid = 'register_person'::regclass
        LOOP EXECUTE format('ALTER TABLE register_docketentry DROP CONSTRAINT %I', name); END LOOP;
    END $$
"""
VALUES: Final = {
    "case_id": "gen_random_uuid()",
    "reference": "'ZC2026' || lpad(n::text, 8, '0')",
    "person_id": "gen_random_uuid()",
    "agency_id": "g.agency",
    "kind": "(ARRAY['initial','renewal','change','reregister'])[1 + n %% 4]",
    "category": "'A' || (1 + n %% 5)",
    "applicant_name": "substr('赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨', 1 + n %% 16, 1)"
    " || substr('测示样例演甲乙丙丁戊己庚', 1 + (n / 16) %% 12, 1)"
    " || substr('一二三四五六七八九十', 1 + (n / 192) %% 10, 1)",
    "employer_name": "'示例' || substr('东南西北中甲乙丙', 1 + n %% 8, 1) || (n %% 2000) || '号化工有限公司'",
    "state": "s.state",
    "open": "s.open",
    "lodged_on": "s.lodged",
    "due_on": "CASE WHEN s.open THEN current_date + (n / %(each)s %% 30 - 4) END",
    "clock": "CASE WHEN s.open THEN (ARRAY['A','F','C','N'])[1 + n / %(each)s %% 4] ELSE '' END",
    "officer_id": "CASE WHEN s.state = 'reported' AND n / %(each)s %% 3 = 0 THEN NULL"
    " WHEN s.state = 'reported' OR NOT s.open AND s.state <> 'withdrawn' THEN %(officer)s::bigint END",
    "dispatch_number": "CASE WHEN s.state = 'reported' OR NOT s.open"
    " THEN 'MADE' || g.agency || '-' || to_char(s.lodged + 15, 'YYYYMMDD') || '-001' ELSE '' END",
    "reported_on": "CASE WHEN NOT s.open THEN s.lodged + 15 END",
    "decided_on": "CASE WHEN NOT s.open AND n %% 4 < 3 THEN s.lodged + 30 END",
    "first_verdict": "CASE WHEN s.open THEN '' ELSE 'pass' END",
    "final_verdict": "CASE WHEN s.open OR n %% 4 = 3 THEN '' WHEN n %% 4 = 2 THEN 'fail' ELSE 'pass' END",
    "corrections": "(n %% 5 = 0)::int",
    "remands": "(n %% 11 = 0)::int",
    "chain_length": "6",
    "chain_head": "''",
    # What is over was moved last when it was decided, or soon after; of what is open something moved of late.
    "updated_at": "CASE WHEN s.open THEN now() - n %% 997 * interval '70 minutes'"
    " ELSE s.lodged + interval '35 days' + n %% 997 * interval '17 minutes' END",
}
STATES: Final = """
    LATERAL (SELECT n %% %(each)s = 0 AS open,
        current_date - (CASE WHEN n %% %(each)s = 0 THEN n / %(each)s %% 90 ELSE n %% 1100 END) AS lodged,
        CASE WHEN n %% %(each)s = 0
            THEN (ARRAY['submitted','accepted','correction','reported'])[1 + n / %(each)s %% 4]
            ELSE (ARRAY['issued','issued','final_failed','withdrawn'])[1 + n %% 4] END AS state) s
"""


def agencies() -> list[int]:
    """The keys of 151 agencies; those without a schema are never entered."""
    from tenants import crossing
    from tenants.crossing import Desk
    from tenants.models import Agency

    with crossing.standing(Desk.OWNER):
        rows = Agency.objects.exclude(kind=Agency.Kind.AUTHORITY)
        there = rows.count()
        Agency.objects.bulk_create(
            Agency(
                code=f"made{n}", schema_name=f"made{n}", number=700 + n, kind="provincial", name_zh=f"示例{n}"
            )
            for n in range(AGENCIES - there)
        )
        return list(rows.order_by("pk").values_list("pk", flat=True))


def fill(lines: int, *, each: int, officer: int | None = None) -> None:
    """So many lines of some three years, one in `each` of them open, instead of what was there; and counted.

    What has come up to the authority is in the hands of `officer`, of the rest two in three.
    """
    from django.db import connection

    from register.models import DocketEntry
    from review import docket
    from tenants import crossing
    from tenants.crossing import Desk

    nothing = {"BooleanField": "false", "CharField": "''", "PositiveSmallIntegerField": "0"}
    columns = {
        str(field.column): VALUES.get(str(field.column))
        or ("NULL" if field.null else nothing[field.get_internal_type()])
        for field in DocketEntry._meta.concrete_fields
    }
    given: dict[str, Any] = {"lines": lines, "each": each, "officer": officer, "agencies": agencies()}
    with crossing.standing(Desk.OWNER), connection.cursor() as cursor:
        cursor.execute(LOOSEN)
        cursor.execute("DELETE FROM register_docketentry")
        cursor.execute(
            f"INSERT INTO register_docketentry ({', '.join(columns)})"
            f" SELECT {', '.join(columns.values())} FROM generate_series(1, %(lines)s) n,"
            " (SELECT %(agencies)s::bigint[] AS ids) a,"
            f" LATERAL (SELECT a.ids[1 + n %% array_length(a.ids, 1)] AS agency) g, {STATES}",
            given,
        )
        docket.count_anew()
        docket.fold_counts()
        cursor.execute("VACUUM ANALYZE register_docketentry, register_docketcount, tenants_agency")
