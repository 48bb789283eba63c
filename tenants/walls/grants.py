"""The one table of who may touch which table, and which rows of it.

Letters: S select, I insert, U update, D delete. A table without a row here is reported by `check_walls`.
Rows are narrowed by conditions (row-level security) where a role must not see all of a table; a role
that has letters but no condition there sees every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tenants.walls.roles import AGENCY, APPLICANT, AUTHORITY, CLERK, COURIER, DOOR

# --- Functions of the walls ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the owner that answers one narrow question across the wall."""

    arguments: str
    returns: str
    body: str
    roles: tuple[str, ...]


# Words in braces stand for what is the same everywhere; `filled` writes them out.
WORDS: Final[Mapping[str, str]] = {
    "{me}": "nullif(current_setting('app.person', true), '')::uuid",
    "{mine}": "= ANY ((SELECT public.my_people())::uuid[])",
    "{ours}": "= (SELECT public.this_agency())",
    "{authority}": "= (SELECT a.id FROM public.tenants_agency a WHERE a.code = 'authority')",
}


def filled(sql: str) -> str:
    for word, meaning in WORDS.items():
        sql = sql.replace(word, meaning)
    return sql


STAFF: Final = (AGENCY, AUTHORITY, CLERK, COURIER)

# What stands against an application of a person, under whichever of the merged records. Nobody whose
# registration was revoked or withdrawn may apply again for some years: those in force on the day of that act,
# or, where the policy has no row, those from which the portal starts (`register.policy`).
BARS: Final = """
WITH living AS (
    SELECT coalesce(merged_into_id, id) AS id FROM public.register_person WHERE id = person
), records AS (
    SELECT p.id FROM public.register_person p, living WHERE p.id = living.id OR p.merged_into_id = living.id
), registrations AS (
    SELECT r.* FROM public.register_registration r JOIN records ON records.id = r.person_id
), bans AS (
    SELECT r.ended_on, coalesce(
        (SELECT (y.value #>> '{}')::integer FROM public.register_policy y
         WHERE y.key = act.key AND y.valid_from <= r.ended_on AND y.withdrawn_at IS NULL
         ORDER BY y.valid_from DESC, y.id DESC LIMIT 1),
        act.seed
    ) AS years
    FROM registrations r
    JOIN (VALUES ('revoked', 'reapply_ban_cheating', 3), ('withdrawn', 'reapply_ban_penalty', 5))
        AS act (how, key, seed) ON act.how = r.ended_how
)
SELECT
    EXISTS (SELECT 1 FROM public.register_docketentry d JOIN records ON records.id = d.person_id
            WHERE d.open),
    EXISTS (SELECT 1 FROM registrations WHERE ended_how = '' AND on_day BETWEEN valid_from AND valid_to),
    EXISTS (SELECT 1 FROM public.register_restriction x JOIN records ON records.id = x.person_id
            WHERE on_day BETWEEN x.since AND x.until AND (x.lifted_on IS NULL OR on_day < x.lifted_on))
    OR EXISTS (SELECT 1 FROM bans WHERE years > 0 AND on_day <= ended_on + make_interval(years => years))
"""

# What everybody may know of a registration `r`, under the name that the person carries now, with the open
# application that tells whether one may practise meanwhile: columns, what stands in them, and whence.
PUBLIC_CARD: Final = (
    "number text, name text, kind text, category text, employer_name text, agency_id bigint,"
    " first_registered_on date, valid_from date, valid_to date, granted_on date,"
    " ended_how text, ended_on date, open_kind text, open_lodged_on date,"
    " open_answer_by date, open_provisional boolean"
)
CARD_VALUES: Final = (
    "r.number, living.name, r.kind, r.category, r.employer_name, r.agency_id,"
    " r.first_registered_on, r.valid_from, r.valid_to, r.granted_on,"
    " r.ended_how, r.ended_on, d.kind, d.lodged_on, d.answer_by, d.due_provisional"
)
OF_THE_LIVING: Final = (
    " JOIN public.register_person p ON p.id = r.person_id"
    " JOIN public.register_person living ON living.id = coalesce(p.merged_into_id, p.id)"
    # The last day on which a correction may be answered, as `register.standing.ANSWER_BY` has it.
    " LEFT JOIN LATERAL (SELECT e.kind, e.lodged_on, CASE WHEN e.state = 'correction' AND e.clock = 'C'"
    " THEN e.due_on END AS answer_by, e.due_provisional FROM public.register_docketentry e"
    " WHERE e.open AND e.person_id IN (SELECT o.id FROM public.register_person o"
    " WHERE o.id = living.id OR o.merged_into_id = living.id) LIMIT 1) d ON true"
)

# What was told, and what became of it on the board and on each other way: no text, no address.
TOLD: Final = (
    "TABLE (letter bigint, kind text, cause text, posted_at timestamptz, notice bigint,"
    " delivered_at timestamptz, read_at timestamptz, dead_at timestamptz, asked_at timestamptz,"
    " way text, way_sent_at timestamptz, way_dropped_at timestamptz, way_dead_at timestamptz,"
    " way_asked_at timestamptz)"
)
ASKED_AGAIN: Final = (
    "(SELECT max(r.asked_at) FROM public.notifications_resend r"
    " WHERE r.outbox_id = o.id AND r.channel = {way} AND r.done_at IS NULL)"
)
OUTCOMES: Final = (
    "SELECT o.id, o.kind, o.cause, o.created_at, n.id, o.sent_at, n.read_at, o.dead_at, "  # noqa: S608 - only words of this file
    + ASKED_AGAIN.replace("{way}", "''")
    + ", d.channel, d.sent_at, d.dropped_at, d.dead_at, "
    + ASKED_AGAIN.replace("{way}", "d.channel")
    + " FROM public.notifications_outbox o JOIN public.tenants_user u ON u.id = o.user_id"
    " LEFT JOIN public.notifications_notice n ON n.outbox_id = o.id"
    " LEFT JOIN public.notifications_delivery d ON d.outbox_id = o.id"
    " WHERE {which} ORDER BY o.created_at, o.id, d.channel"
)
TO_THE_APPLICANT: Final = "o.case_id = about AND u.kind = 'applicant'"
# Letters to an agency's own staff, and to the applicants of its own cases.
OUR_POST: Final = (
    "(o.user_id IN (SELECT h.user_id FROM public.tenants_agencyuserobjectpermission h"
    " WHERE h.content_object_id {ours})"
    " OR u.kind = 'applicant' AND EXISTS (SELECT 1 FROM public.register_docketentry e"
    " WHERE e.case_id = o.case_id AND e.agency_id {ours}))"
)
# What was given up, on the board (way '') or on another way; of the error only its name, never its words.
GIVEN_UP: Final = """
SELECT o.id AS letter, ''::text AS way, o.kind, o.case_id, u.name AS whom, u.kind AS account,
    o.created_at AS posted_at, o.dead_at, o.attempts, o.last_error
FROM public.notifications_outbox o JOIN public.tenants_user u ON u.id = o.user_id
WHERE o.dead_at IS NOT NULL AND {which}
UNION ALL
SELECT o.id, d.channel, o.kind, o.case_id, u.name, u.kind, o.created_at, d.dead_at, d.attempts, d.last_error
FROM public.notifications_delivery d JOIN public.notifications_outbox o ON o.id = d.outbox_id
JOIN public.tenants_user u ON u.id = o.user_id
WHERE d.dead_at IS NOT NULL AND {which}
"""
DEAD_PLACE: Final = (
    "only_way text, only_kind text, before timestamptz, below bigint, besides text, most integer"
)
DEAD_LINE: Final = (
    "TABLE (letter bigint, way text, kind text, case_id uuid, reference text, whom text, account text,"
    " posted_at timestamptz, dead_at timestamptz, attempts integer, fault text, asked_at timestamptz)"
)
DEAD: Final = """
SELECT g.letter, g.way, g.kind, g.case_id, e.reference, g.whom, g.account, g.posted_at, g.dead_at,
    g.attempts::integer, substring(g.last_error from '^[A-Za-z_][A-Za-z0-9_.]{0,59}'),
    (SELECT max(r.asked_at) FROM public.notifications_resend r
     WHERE r.outbox_id = g.letter AND r.channel = g.way AND r.done_at IS NULL)
FROM ({given_up}) g LEFT JOIN public.register_docketentry e ON e.case_id = g.case_id
WHERE (only_way IS NULL OR g.way = only_way) AND (only_kind IS NULL OR g.kind = only_kind)
    AND (before IS NULL OR (g.dead_at, g.letter, g.way) < (before, below, besides))
ORDER BY g.dead_at DESC, g.letter DESC, g.way DESC LIMIT most
"""
DEAD_COUNTS: Final = "SELECT g.way, g.kind, count(*) FROM ({given_up}) g GROUP BY 1, 2 ORDER BY 1, 2"
# How the post stands on each way. The pace is that of the latest letters that went since a moment.
PACE: Final = (
    "count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.sent_at - l.created_at)),"
    " percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM l.sent_at - l.created_at))"
)
# A notice bears the time of its act; that it was written then is known by when it was first due.
WRITTEN: Final = "CASE WHEN attempts = 0 THEN due_at ELSE created_at END"
FIGURES: Final = (
    "SELECT ''::text, w.waiting, w.oldest, g.dead, p.* FROM"  # noqa: S608 - only words of this file
    f" (SELECT count(*), min({WRITTEN}) FROM public.notifications_outbox"
    "  WHERE sent_at IS NULL AND dead_at IS NULL) w (waiting, oldest),"
    " (SELECT count(*) FROM public.notifications_outbox WHERE dead_at IS NOT NULL) g (dead),"
    f" (SELECT {PACE} FROM (SELECT {WRITTEN} AS created_at, sent_at FROM public.notifications_outbox"
    "  ORDER BY id DESC LIMIT 5000) l WHERE l.sent_at >= since) p"
    " UNION ALL "
    "SELECT c.way, w.waiting, w.oldest, g.dead, p.* FROM (VALUES ('email'), ('sms')) c (way),"
    " LATERAL (SELECT count(*), min(created_at) FROM public.notifications_delivery"
    "  WHERE sent_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL AND channel = c.way)"
    "  w (waiting, oldest),"
    " LATERAL (SELECT count(*) FROM public.notifications_delivery"
    "  WHERE dead_at IS NOT NULL AND channel = c.way) g (dead),"
    f" LATERAL (SELECT {PACE} FROM (SELECT created_at, sent_at, channel FROM public.notifications_delivery"
    "  ORDER BY id DESC LIMIT 5000) l WHERE l.sent_at >= since AND l.channel = c.way) p"
)

# What went on each way since a moment, and what was due then and still waits, by the hour.
HOURS: Final = (
    "SELECT date_trunc('hour', l.at), l.way, l.waits, count(*) FROM ("  # noqa: S608 - only words of this file
    f"SELECT coalesce(o.sent_at, {WRITTEN}) AS at, ''::text AS way, o.sent_at IS NULL AS waits"
    " FROM (SELECT * FROM public.notifications_outbox ORDER BY id DESC LIMIT 50000) o"
    " WHERE o.dead_at IS NULL"
    " UNION ALL SELECT coalesce(d.sent_at, d.created_at), d.channel, d.sent_at IS NULL"
    " FROM (SELECT * FROM public.notifications_delivery ORDER BY id DESC LIMIT 50000) d"
    " WHERE d.dead_at IS NULL AND d.dropped_at IS NULL) l WHERE l.at >= since GROUP BY 1, 2, 3"
)

FUNCTIONS: Final[Mapping[str, Function]] = {
    # The agency at whose desk this connection stands.
    "this_agency": Function(
        "",
        "bigint",
        "SELECT id FROM public.tenants_agency"
        " WHERE schema_name = nullif(current_setting('app.agency', true), '')",
        (AGENCY,),
    ),
    # The person in whose name the applicant's desk acts, with the records merged into it.
    "my_people": Function(
        "",
        "uuid[]",
        "SELECT coalesce(array_agg(id), '{}') FROM public.register_person"
        " WHERE id = {me} OR merged_into_id = {me}",
        (APPLICANT,),
    ),
    "my_account": Function(
        "",
        "bigint",
        "SELECT user_id FROM public.register_person WHERE id = {me}",
        (APPLICANT,),
    ),
    # The key of a person by the digest of a present or former document number.
    "person_by_digest": Function(
        "digest text",
        "uuid",
        "SELECT coalesce(merged_into_id, id) FROM public.register_person WHERE document_digest = digest"
        " UNION ALL "
        "SELECT coalesce(p.merged_into_id, p.id) FROM public.register_formernumber f"
        " JOIN public.register_person p ON p.id = f.person_id WHERE f.document_digest = digest LIMIT 1",
        (APPLICANT, *STAFF),
    ),
    # The password of an account that was closed when its record was merged into another one: whoever knows it
    # is told which account to use. It opens nothing.
    "merged_account": Function(
        "digest text",
        "text",
        "SELECT u.password FROM public.register_person p JOIN public.tenants_user u ON u.id = p.user_id"
        " WHERE p.document_digest = digest AND p.merged_into_id IS NOT NULL",
        (APPLICANT,),
    ),
    # What stands against an application of this person, as yes or no only.
    "bars_for": Function(
        "person uuid, on_day date",
        "TABLE (open_application boolean, registered boolean, restricted boolean)",
        BARS,
        (APPLICANT, *STAFF),
    ),
    # An appeal for whoever knows its number and the document it names.
    "my_appeal": Function(
        "number text, digest text",
        "TABLE (reference text, certificate_number text, exam_year integer, lodged_at timestamptz,"
        " outcome text, answer text, answered_at timestamptz)",
        "SELECT a.reference, a.certificate_number, a.exam_year, a.lodged_at, a.outcome, a.answer,"
        " a.answered_at FROM public.register_appeal a"
        " WHERE a.reference = number AND a.document_digest = digest",
        (APPLICANT,),
    ),
    # The person whose present document number and name these are: asked at the counter before a new password.
    "counter_person": Function(
        "digest text, holder text",
        "uuid",
        "SELECT coalesce(merged_into_id, id) FROM public.register_person"
        " WHERE document_digest = digest AND upper(name) = upper(holder)",
        (AGENCY, AUTHORITY),
    ),
    # Whether that person has a verified address, and so another way to a new password.
    "counter_account": Function(
        "person uuid",
        "boolean",
        "SELECT EXISTS (SELECT 1 FROM public.register_person p JOIN public.tenants_user u ON u.id = p.user_id"
        " WHERE p.id = person AND u.email <> '' AND u.email_verified)",
        (AGENCY,),
    ),
    # The accounts that are told of a case: its holder and the deputy of the day, else the supervisors.
    "on_duty": Function(
        "holder bigint, agency bigint, on_day date",
        "SETOF bigint",
        "WITH able AS (SELECT u.id FROM public.tenants_user u WHERE u.id = holder AND u.is_active)"
        " SELECT able.id FROM able"
        " UNION "
        "SELECT a.deputy_id FROM public.tenants_absence a JOIN able ON able.id = a.user_id"
        " WHERE a.agency_id = agency AND a.ended_at IS NULL AND on_day BETWEEN a.since AND a.until"
        " UNION "
        "SELECT h.user_id FROM public.tenants_agencyuserobjectpermission h"
        " JOIN public.auth_permission p ON p.id = h.permission_id"
        " JOIN public.tenants_user u ON u.id = h.user_id"
        " WHERE NOT EXISTS (SELECT 1 FROM able) AND u.is_active"
        " AND h.content_object_id = agency AND p.codename = 'supervisor'",
        (APPLICANT, AGENCY, AUTHORITY),
    ),
    # Public look-up: who knows number and name learns what a certificate says, and no document number.
    # Width and case of a name do not count; an open application tells whether one may practise meanwhile.
    "public_registration": Function(
        "certificate text, holder text",
        f"TABLE ({PUBLIC_CARD})",
        f"SELECT {CARD_VALUES} FROM public.register_registration r{OF_THE_LIVING}"  # noqa: S608 - only words of this file
        " WHERE r.number = certificate AND upper(living.name) = upper(holder)"
        " ORDER BY r.granted_on, r.created_at",
        (APPLICANT, *STAFF),
    ),
    # Public verification: whoever has the code of a certificate learns how its registration stands. All
    # periods under its number, in the order granted; `named` is the one that the certificate names.
    "certificate_by_code": Function(
        "asked text",
        f"TABLE ({PUBLIC_CARD}, named boolean, edition integer, issued_on date, void_at timestamptz)",
        f"SELECT {CARD_VALUES}, r.id = own.id, c.edition::integer, c.issued_on, c.void_at"  # noqa: S608
        " FROM public.register_certificate c"
        " JOIN public.register_registration own ON own.id = c.registration_id"
        " JOIN public.register_person holder ON holder.id = own.person_id"
        f" JOIN public.register_registration r ON r.number = own.number{OF_THE_LIVING}"
        " WHERE c.code = asked AND living.id = coalesce(holder.merged_into_id, holder.id)"
        " ORDER BY r.granted_on, r.created_at",
        (APPLICANT,),
    ),
    # What became of the notices to the applicant of a case: an agency asks for its own cases only.
    "post_of_our_case": Function(
        "about uuid",
        TOLD,
        OUTCOMES.replace(
            "{which}",
            TO_THE_APPLICANT + " AND EXISTS (SELECT 1 FROM public.register_docketentry e"  # noqa: S608
            " WHERE e.case_id = about AND e.agency_id {ours})",
        ),
        (AGENCY,),
    ),
    "post_of_case": Function(
        "about uuid", TOLD, OUTCOMES.replace("{which}", TO_THE_APPLICANT), (AUTHORITY, CLERK)
    ),
    # The same of one's own notices: those about an application, or these.
    "my_post": Function(
        "about uuid, notices bigint[]",
        TOLD,
        OUTCOMES.replace(
            "{which}",
            "o.user_id = (SELECT p.user_id FROM public.register_person p WHERE p.id = {me})"
            " AND (o.case_id = about OR n.id = ANY (notices))",
        ),
        (APPLICANT,),
    ),
    "is_our_post": Function(
        "asked bigint",
        "boolean",
        "SELECT EXISTS (SELECT 1 FROM public.notifications_outbox o"  # noqa: S608 - only words of this file
        f" JOIN public.tenants_user u ON u.id = o.user_id WHERE o.id = asked AND {OUR_POST})",
        (AGENCY,),
    ),
    "post_figures": Function(
        "since timestamptz",
        "TABLE (way text, waiting bigint, oldest timestamptz, dead bigint, sent bigint,"
        " p50 double precision, p95 double precision)",
        FIGURES,
        (AUTHORITY, CLERK),
    ),
    "post_hours": Function(
        "since timestamptz",
        "TABLE (hour timestamptz, way text, waits boolean, letters bigint)",
        HOURS,
        (AUTHORITY,),
    ),
    "dead_post": Function(
        DEAD_PLACE,
        DEAD_LINE,
        DEAD.replace("{given_up}", GIVEN_UP.replace("{which}", "true")),
        (AUTHORITY,),
    ),
    "our_dead_post": Function(
        DEAD_PLACE,
        DEAD_LINE,
        DEAD.replace("{given_up}", GIVEN_UP.replace("{which}", OUR_POST)),
        (AGENCY,),
    ),
    "dead_post_counts": Function(
        "",
        "TABLE (way text, kind text, dead bigint)",
        DEAD_COUNTS.replace("{given_up}", GIVEN_UP.replace("{which}", "true")),
        (AUTHORITY,),
    ),
    "our_dead_post_counts": Function(
        "",
        "TABLE (way text, kind text, dead bigint)",
        DEAD_COUNTS.replace("{given_up}", GIVEN_UP.replace("{which}", OUR_POST)),
        (AGENCY,),
    ),
}

# --- Tables ----------------------------------------------------------------------------------------

Letters = Mapping[str, str]
ALL_DESKS: Final = (APPLICANT, AGENCY, AUTHORITY, CLERK, COURIER)


def everyone(letters: str) -> dict[str, str]:
    return dict.fromkeys(ALL_DESKS, letters)


NOBODY: Final[Letters] = {}
READ: Final = everyone("S")
SIGN_IN: Final = {APPLICANT: "SIUD", AGENCY: "SIUD", AUTHORITY: "SIUD", CLERK: "SD"}

PUBLIC_TABLES: Final[Mapping[str, Letters]] = {
    # the ground
    "tenants_agency": {**READ, DOOR: "S"},
    "tenants_domain": {**READ, DOOR: "S"},
    "tenants_user": {APPLICANT: "SU", AGENCY: "SIU", AUTHORITY: "SIU", CLERK: "S", COURIER: "S"},
    "tenants_user_groups": NOBODY,
    "tenants_user_user_permissions": NOBODY,
    "tenants_agencyuserobjectpermission": {AGENCY: "SID", AUTHORITY: "SID", CLERK: "S", COURIER: "S"},
    "tenants_agencygroupobjectpermission": NOBODY,
    "tenants_rolegrant": {AGENCY: "SIU", AUTHORITY: "SIU"},
    "tenants_formerpassword": {AGENCY: "SID", AUTHORITY: "SID"},
    "tenants_absence": {AGENCY: "SIU", AUTHORITY: "SIU", CLERK: "S"},
    "tenants_countercode": {APPLICANT: "SU", AGENCY: "SIU"},
    "tenants_settingchange": {AGENCY: "SI", AUTHORITY: "SI", CLERK: "S"},
    "tenants_savedview": {AGENCY: "SIUD", AUTHORITY: "SIUD"},
    "tenants_preparedfile": {AGENCY: "SIUD", AUTHORITY: "SIUD", CLERK: "SUD"},
    # The owner's worker does what stands here; the clerk only rings again for what nobody has begun.
    "tenants_agencyjob": {AUTHORITY: "SIU", CLERK: "S"},
    # The owner's worker writes it; the clerk compares docket and case files.
    "tenants_schemahealth": {AUTHORITY: "S", CLERK: "SU"},
    "tenants_accessrecord": {APPLICANT: "S", AGENCY: "SI", AUTHORITY: "SI"},
    "auth_permission": {AGENCY: "S", AUTHORITY: "S", CLERK: "S", COURIER: "S"},
    "auth_group": NOBODY,
    "auth_group_permissions": NOBODY,
    "django_content_type": {AGENCY: "S", AUTHORITY: "S", CLERK: "S", COURIER: "S"},
    "django_migrations": NOBODY,
    "guardian_userobjectpermission": NOBODY,
    "guardian_groupobjectpermission": NOBODY,
    # signing in
    "tenants_session": SIGN_IN,
    "captcha_captchastore": SIGN_IN,
    "otp_totp_totpdevice": {AGENCY: "SIUD", AUTHORITY: "SIUD"},
    "otp_static_staticdevice": {AGENCY: "SIUD", AUTHORITY: "SIUD"},
    "otp_static_statictoken": {AGENCY: "SID", AUTHORITY: "SID"},
    "axes_accessattempt": SIGN_IN,
    "axes_accessattemptexpiration": SIGN_IN,
    "axes_accesslog": SIGN_IN,
    "axes_accessfailurelog": SIGN_IN,
    # the national books
    "register_person": {APPLICANT: "S", AGENCY: "S", AUTHORITY: "SIU", CLERK: "S", COURIER: "S"},
    # Portraits never change; one that nothing names any more is cleared away by the clerk.
    "register_photo": {APPLICANT: "SI", AGENCY: "S", AUTHORITY: "SI", CLERK: "SD"},
    "register_formernumber": {AGENCY: "S", AUTHORITY: "SIUD"},
    "register_personchange": {AUTHORITY: "SI"},
    "register_qualification": {APPLICANT: "S", AGENCY: "S", AUTHORITY: "SIU", CLERK: "S"},
    "register_registration": {APPLICANT: "S", AGENCY: "S", AUTHORITY: "SIU", CLERK: "S", COURIER: "S"},
    "register_certificate": {APPLICANT: "S", AUTHORITY: "SI"},
    "register_restriction": {APPLICANT: "S", AGENCY: "S", AUTHORITY: "SIU", CLERK: "S"},
    "register_traininghours": {APPLICANT: "S", AGENCY: "SI", AUTHORITY: "S", CLERK: "S"},
    # Whoever appeals has no account: what was handed in is read through `my_appeal` only.
    "register_appeal": {APPLICANT: "I", AUTHORITY: "SU", CLERK: "S"},
    "register_appealproof": {APPLICANT: "I", AUTHORITY: "S"},
    "register_batch": {**READ, AUTHORITY: "SIUD"},
    "register_batchline": {**READ, AUTHORITY: "SIUD"},
    "register_rosterjob": {AUTHORITY: "SIU", CLERK: "SUD"},
    "register_docketentry": {
        APPLICANT: "SIU",
        AGENCY: "SU",
        AUTHORITY: "SU",
        CLERK: "SIUD",
        COURIER: "SU",
    },
    "register_docketcount": {APPLICANT: "I", AGENCY: "I", AUTHORITY: "SI", CLERK: "SID", COURIER: "I"},
    "register_numberseries": {AUTHORITY: "SIU"},
    "register_policy": {**READ, AUTHORITY: "SIU"},
    "register_holiday": {**READ, AUTHORITY: "SIUD"},
    "register_code": {**READ, AUTHORITY: "SIU"},
    # How far the day's reminders have come.
    "register_reminderrun": {CLERK: "SIU"},
    # drafts
    "intake_application": {APPLICANT: "SIU", CLERK: "SUD"},
    # Papers never change; one that was taken out of a draft is cleared away by the clerk.
    "intake_paper": {APPLICANT: "SI", AGENCY: "S", AUTHORITY: "S", CLERK: "SD"},
    "intake_paperpage": {APPLICANT: "SI", AGENCY: "S", AUTHORITY: "S", CLERK: "SD"},
    # the post room
    "notifications_outbox": {APPLICANT: "I", AGENCY: "I", AUTHORITY: "I", CLERK: "SIU", COURIER: "I"},
    "notifications_notice": {APPLICANT: "SU", AGENCY: "SU", AUTHORITY: "SU", CLERK: "SIU"},
    "notifications_delivery": {CLERK: "SIU"},
    "notifications_mute": {APPLICANT: "SID", AGENCY: "SID", AUTHORITY: "SID", CLERK: "S"},
    "notifications_resend": {AGENCY: "I", AUTHORITY: "I", CLERK: "SU"},
}

# AGENCY stands here for the role of the one agency whose schema it is.
AGENCY_TABLES: Final[Mapping[str, Letters]] = {
    "django_migrations": NOBODY,
    "review_case": {APPLICANT: "SIU", AGENCY: "SU", AUTHORITY: "SU", CLERK: "SU", COURIER: "SIU"},
    "review_dossier": {APPLICANT: "SI", AGENCY: "S", AUTHORITY: "S", CLERK: "S", COURIER: "SI"},
    "review_movement": {APPLICANT: "SI", AGENCY: "SI", AUTHORITY: "SI", CLERK: "SI", COURIER: "SI"},
    "review_opinion": {APPLICANT: "S", AGENCY: "SIU", AUTHORITY: "SIU", CLERK: "S", COURIER: "SI"},
    "review_correction": {APPLICANT: "SU", AGENCY: "SIU", AUTHORITY: "S", CLERK: "SU", COURIER: "SIU"},
    "review_tick": {AGENCY: "SIU", AUTHORITY: "S", COURIER: "SIU"},
    "review_paperslip": {AGENCY: "SI", AUTHORITY: "S", COURIER: "SI"},
    # Desks order letters with their acts; only the clerk writes that one was drawn.
    "review_letter": {APPLICANT: "SI", AGENCY: "SI", AUTHORITY: "SI", CLERK: "SIU", COURIER: "SI"},
    # Internal notes stay with the agency for which they were written.
    "review_casenote": {AGENCY: "SI"},
    "review_dispatch": {AGENCY: "SI", AUTHORITY: "S", CLERK: "S", COURIER: "S"},
    "review_dispatchline": {AGENCY: "SI", AUTHORITY: "S"},
}

# Where a role may change some columns of a row and not the others: there it has no U among its letters.
AN_AGENCYS_OWN: Final = (
    *("phone", "email", "address", "hours"),
    *("materials_mode", "countersign", "letter_head", "retention_years"),
)
PUBLIC_COLUMNS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    # Code, schema and number of an agency are for good: nobody at a desk changes them.
    "tenants_agency": {
        AGENCY: AN_AGENCYS_OWN,
        AUTHORITY: (
            *AN_AGENCYS_OWN,
            *("kind", "name_zh", "name_en", "review_clock_applies"),
            *("intake_open", "intake_note", "merged_into_id", "merged_at"),
        ),
    },
    # What was signed is never changed; it becomes void.
    "register_certificate": {AUTHORITY: ("void_at",)},
}

# Sequences outside of identity columns: who may draw the next number.
PUBLIC_SEQUENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "register_application_serial": (APPLICANT,),
}
AGENCY_SEQUENCES: Final[Mapping[str, tuple[str, ...]]] = {}

# --- Rows ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows a role sees, and which it may write; without a word of its own, the same.

    `begin` narrows further what a row may say when it is new; `change` which rows, as they stand, may be
    changed, locked or deleted.
    """

    see: str
    write: str = ""
    begin: str = ""
    change: str = ""

    @property
    def written(self) -> str:
        return self.write or self.see


EVERY: Final = "true"
NONE: Final = "false"
# Policies of one table may ask another one only downwards in this order, or they would never end:
# docket, role holders → registrations → people → their papers.
IN_OUR_DOCKET: Final = (
    "EXISTS (SELECT 1 FROM public.register_docketentry d WHERE d.person_id = {person} AND d.agency_id {ours})"
)
# Those of an agency that was merged into this one are this one's to change and to renew.
OUR_REGISTRATION: Final = (
    "{agency} IN (SELECT a.id FROM public.tenants_agency a WHERE a.id {ours} OR a.merged_into_id {ours})"
)
HELD_BY_US: Final = (
    "EXISTS (SELECT 1 FROM public.register_registration r WHERE r.person_id = {person} AND {held})"
).replace("{held}", OUR_REGISTRATION.replace("{agency}", "r.agency_id"))
OUR_STAFF: Final = (
    "IN (SELECT h.user_id FROM public.tenants_agencyuserobjectpermission h WHERE h.content_object_id {ours})"
)
AUTHORITYS_STAFF: Final = (
    "IN (SELECT h.user_id FROM public.tenants_agencyuserobjectpermission h"
    " WHERE h.content_object_id {authority})"
)


def in_our_docket(person: str) -> str:
    """The agency has, or had, an application of this person."""
    return IN_OUR_DOCKET.replace("{person}", person)


def known_to_us(person: str) -> str:
    """The agency has a docket line of this person, or holds the registration."""
    return f"{in_our_docket(person)} OR {HELD_BY_US.replace('{person}', person)}"


def of_people(table: str, column: str = "person_id") -> dict[str, Rows]:
    """A table of facts about people: mine, or those the agency has to do with."""
    return {APPLICANT: Rows(column + " {mine}"), AGENCY: Rows(known_to_us(f"{table}.{column}"))}


# What an applicant's act may leave behind: lodging, resubmitting (back to where the case stood), withdrawing,
# and the acts of law that are met on the way. Everything else is decided at other desks.
MY_ENDS: Final = ("withdrawn", "lapsed")
MY_STATES: Final = ("submitted", "accepted", "deemed_accepted", "sent_back", *MY_ENDS)


def one_of(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


# Whoever holds a role here, and the accounts this agency keeps, roles or not.
OUR_ACCOUNT: Final = f"(id {OUR_STAFF} OR home_id {{ours}})"
OUR_STAFFS_OWN: Final = "EXISTS (SELECT 1 FROM public.tenants_user u WHERE u.id = user_id)"
# The authority sees every account, but keeps the ways in of its own people only.
AUTHORITYS_STAFFS_OWN: Final = (
    "EXISTS (SELECT 1 FROM public.tenants_user u WHERE u.id = user_id AND (u.home_id {authority}"
    " OR EXISTS (SELECT 1 FROM public.tenants_agencyuserobjectpermission h"
    " WHERE h.user_id = u.id AND h.content_object_id {authority})))"
)
A_DEVICES_OWN: Final = "EXISTS (SELECT 1 FROM public.otp_static_staticdevice d WHERE d.id = device_id)"

OF_AN_OPEN_BATCH: Final = (
    "EXISTS (SELECT 1 FROM public.register_batch b WHERE b.id = batch_id AND b.published_on IS NULL)"
)

PUBLIC_ROWS: Final[Mapping[str, Mapping[str, Rows]]] = {
    "tenants_agency": {AGENCY: Rows(EVERY, "id {ours}")},
    "tenants_user": {
        APPLICANT: Rows("id = (SELECT public.my_account()) AND kind = 'applicant'"),
        AGENCY: Rows(OUR_ACCOUNT, OUR_ACCOUNT, "kind = 'staff' AND home_id {ours}"),
    },
    "tenants_formerpassword": {AGENCY: Rows(OUR_STAFFS_OWN)},
    # Whose a session is shows only when it was read: the sessions of a desk are open to that desk, and to
    # nobody else but a desk at which the same account has a role, so that its owner sees them all.
    "tenants_session": {
        APPLICANT: Rows("desk IN ('', 'applicant:')"),
        AGENCY: Rows(
            f"desk IN ('', 'agency:' || current_setting('app.agency', true)) OR account_id {OUR_STAFF}"
        ),
        AUTHORITY: Rows(f"desk IN ('', 'authority:authority') OR account_id {AUTHORITYS_STAFF}"),
    },
    "tenants_absence": {AGENCY: Rows("agency_id {ours}")},
    "tenants_countercode": {APPLICANT: Rows("person_id {mine}"), AGENCY: Rows("agency_id {ours}")},
    "tenants_settingchange": {AGENCY: Rows("agency_id {ours}")},
    "tenants_savedview": {AGENCY: Rows("agency_id {ours}"), AUTHORITY: Rows("agency_id {authority}")},
    "tenants_preparedfile": {AGENCY: Rows("agency_id {ours}"), AUTHORITY: Rows("agency_id {authority}")},
    "otp_totp_totpdevice": {AGENCY: Rows(OUR_STAFFS_OWN), AUTHORITY: Rows(AUTHORITYS_STAFFS_OWN)},
    "otp_static_staticdevice": {AGENCY: Rows(OUR_STAFFS_OWN), AUTHORITY: Rows(AUTHORITYS_STAFFS_OWN)},
    "otp_static_statictoken": {AGENCY: Rows(A_DEVICES_OWN), AUTHORITY: Rows(A_DEVICES_OWN)},
    "tenants_agencyuserobjectpermission": {AGENCY: Rows("content_object_id {ours}")},
    "tenants_rolegrant": {AGENCY: Rows("agency_id {ours}")},
    "tenants_accessrecord": {APPLICANT: Rows("person_id {mine}"), AGENCY: Rows("agency_id {ours}")},
    "register_docketentry": {
        APPLICANT: Rows(
            "person_id {mine}",
            f"person_id {{mine}} AND {one_of('state', MY_STATES)} AND open <> ({one_of('state', MY_ENDS)})",
            "state = 'submitted'",
        ),
        AGENCY: Rows("agency_id {ours}"),
    },
    # A movement moves one line: at the applicant's desk a new one or where the applicant has one, at an
    # agency's its own.
    "register_docketcount": {
        APPLICANT: Rows(
            NONE,
            "change = 1 AND state = 'submitted'"
            " OR change IN (1, -1) AND EXISTS (SELECT 1 FROM public.register_docketentry d"
            " WHERE d.agency_id = register_docketcount.agency_id AND d.person_id {mine})",
        ),
        AGENCY: Rows(NONE, "agency_id {ours} AND change IN (1, -1)"),
    },
    "register_registration": {
        APPLICANT: Rows("person_id {mine}"),
        AGENCY: Rows(
            OUR_REGISTRATION.replace("{agency}", "agency_id")
            + " OR "
            + in_our_docket("register_registration.person_id")
        ),
    },
    "register_person": of_people("register_person", "id"),
    "register_photo": of_people("register_photo"),
    "register_formernumber": {AGENCY: Rows(known_to_us("register_formernumber.person_id"))},
    "register_qualification": of_people("register_qualification"),
    "register_restriction": of_people("register_restriction"),
    "register_certificate": {APPLICANT: Rows("person_id {mine}")},
    "register_traininghours": {
        APPLICANT: Rows("person_id {mine}"),
        AGENCY: Rows(
            known_to_us("register_traininghours.person_id") + " OR agency_id {ours}", "agency_id {ours}"
        ),
    },
    # Nobody reads another one's appeal at the applicant's desk; a new one has no answer yet.
    "register_appeal": {APPLICANT: Rows(NONE, "outcome = ''")},
    "register_appealproof": {APPLICANT: Rows(NONE, EVERY)},
    # What is public says for ever what it says.
    "register_batch": {
        APPLICANT: Rows("published_on IS NOT NULL"),
        AGENCY: Rows("published_on IS NOT NULL"),
        AUTHORITY: Rows(EVERY, change="published_on IS NULL"),
    },
    "register_batchline": {
        **{
            desk: Rows("EXISTS (SELECT 1 FROM public.register_batch b WHERE b.id = batch_id)")
            for desk in (APPLICANT, AGENCY)
        },
        AUTHORITY: Rows(EVERY, OF_AN_OPEN_BATCH, change=OF_AN_OPEN_BATCH),
    },
    "intake_application": {APPLICANT: Rows("person_id {mine}")},
    "intake_paper": {
        APPLICANT: Rows("EXISTS (SELECT 1 FROM public.intake_application a WHERE a.id = application_id)"),
        AGENCY: Rows("EXISTS (SELECT 1 FROM public.register_docketentry d WHERE d.case_id = application_id)"),
    },
    "intake_paperpage": {
        desk: Rows("EXISTS (SELECT 1 FROM public.intake_paper p WHERE p.id = paper_id)")
        for desk in (APPLICANT, AGENCY)
    },
    # Whoever acts may post to anybody; only the clerk reads what was posted.
    "notifications_outbox": {
        APPLICANT: Rows(NONE, EVERY),
        AGENCY: Rows(NONE, EVERY),
        AUTHORITY: Rows(NONE, EVERY),
        COURIER: Rows(NONE, EVERY),
    },
    "notifications_notice": {
        APPLICANT: Rows("user_id = (SELECT public.my_account())"),
        AGENCY: Rows(f"user_id {OUR_STAFF}"),
    },
    "notifications_mute": {
        APPLICANT: Rows("user_id = (SELECT public.my_account())"),
        AGENCY: Rows(f"user_id {OUR_STAFF}"),
    },
    # An agency asks for its own post only, and in the name of its own staff.
    "notifications_resend": {
        AGENCY: Rows(NONE, f"asked_by_id {OUR_STAFF} AND public.is_our_post(outbox_id)"),
    },
}

# In an agency's schema only the applicant's rows are narrowed: to the cases of the person.
OF_MY_CASE: Final = "EXISTS (SELECT 1 FROM {schema}.review_case c WHERE c.id = case_id)"
AGENCY_ROWS: Final[Mapping[str, Mapping[str, Rows]]] = {
    "review_case": {
        APPLICANT: Rows(
            "person_id {mine}",
            f"person_id {{mine}} AND {one_of('state', MY_STATES)}",
            "state = 'submitted'",
        )
    },
    "review_dossier": {APPLICANT: Rows(OF_MY_CASE)},
    "review_movement": {APPLICANT: Rows(OF_MY_CASE, f"{OF_MY_CASE} AND {one_of('to_state', MY_STATES)}")},
    "review_opinion": {APPLICANT: Rows(OF_MY_CASE)},
    "review_correction": {APPLICANT: Rows(OF_MY_CASE)},
    "review_letter": {APPLICANT: Rows(OF_MY_CASE, begin="made_at IS NULL")},
}
