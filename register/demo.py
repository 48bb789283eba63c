"""A synthetic roster for demonstrations: people who do not exist, with numbers that only look like numbers.

Area codes end in 0000, which no county has; employers and certificates are marked as examples. The same
day and seed give the same files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from django.db import transaction
from openpyxl.workbook.workbook import Workbook

from register import announcing, clock, documents, employer
from register.clock import ONE_DAY
from register.models import Batch, DocumentType, Registration
from tenants import roles

SEED: Final = 20261123
PEOPLE: Final = 3_000
REGISTRATIONS: Final = 600
PASSWORD: Final = "Demo-portal-2026"  # noqa: S105 - printed wherever it is used
# The keys of the staff's authenticator apps follow from this and the login name: they are no secret either.
APP_SEED: Final = "Demo-portal-2026 authenticator"
# What every demonstration can count on: a note in the roster's last column.
FIRST_TIMERS: Final = 300
FIRST_TIME_NOTE: Final = "可办理初始注册"

ROSTER_COLUMNS: Final = (
    "姓名", "证件类型", "证件号码", "性别", "出生日期", "资格证书编号", "管理号", "考试年度", "发证日期",
    "发证机关", "专业类别", "备注",
)  # fmt: skip
REGISTRATION_COLUMNS: Final = (
    "姓名", "证件类型", "证件号码", "执业证编号", "注册类别", "注册机构代码", "聘用单位", "统一社会信用代码",
    "首次注册日期", "有效期起", "有效期止", "状态", "终止日期", "终止原因",
)  # fmt: skip

FAMILIES: Final = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
    "陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"
)
STEMS: Final = "测示样例演"
STALKS: Final = "甲乙丙丁戊己庚辛壬癸"
PROVINCES: Final = tuple(str(code) for code in sorted(documents.PROVINCES) if code < 71)
OLD_CATEGORIES: Final = ("A1", "A2", "A3", "A4", "A5")
NEW_CATEGORIES: Final = ("B1", "B2", "B3", "B4", "B5", "B6", "B7")
EMPLOYERS: Final = ("化工", "矿业", "建设", "冶金", "电力", "物流", "安全技术服务", "燃气")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """Somebody of the roster, as the exam centre knows them, and where they stand in the register."""

    name: str
    number: str
    certificate_number: str
    document_type: str = DocumentType.RESIDENT_ID.value
    standing: str = ""
    sex: str = ""
    born: date | None = None


# People with a part to play. Their standing names the registration they get: "" for none yet.
DEMO_APPLICANTS: Final = (
    DemoPerson(name="张测试", number="11000019900307001X", certificate_number="DEMO0000001"),
    DemoPerson(name="李测试", number="31000019910512002X", certificate_number="DEMO0000002"),
    DemoPerson(name="古丽·测试", number="650000198811230043", certificate_number="DEMO0000003"),
    DemoPerson(name="㐂测试", number="440000199201010014", certificate_number="DEMO0000004"),
    DemoPerson(name="𠮷测试", number="510000198702280024", certificate_number="DEMO0000005"),
    DemoPerson(
        name="JOHN SAMPLE",
        document_type=DocumentType.PASSPORT.value,
        number="X00000001",
        certificate_number="DEMO0000006",
        sex="1",
        born=date(1985, 6, 1),
    ),
    DemoPerson(
        name="陈测试",
        document_type=DocumentType.HK_MACAO_TRAVEL.value,
        number="H0000000101",
        certificate_number="DEMO0000007",
        sex="2",
        born=date(1986, 7, 2),
    ),
    DemoPerson(
        name="王测试", number="110000198506150033", certificate_number="DEMO0000008", standing="valid"
    ),
    DemoPerson(
        name="赵测试", number="370000198304080047", certificate_number="DEMO0000009", standing="expiring"
    ),
    DemoPerson(
        name="孙测试", number="420000197909090010", certificate_number="DEMO0000010", standing="expired"
    ),
    DemoPerson(
        name="周测试", number="610000198212120021", certificate_number="DEMO0000011", standing="cancelled"
    ),
)  # fmt: skip


class DemoOfficer(NamedTuple):
    """A staff account of the demonstration. The login name is family name and agency."""

    username: str
    name: str
    role: roles.Role

    @property
    def agency(self) -> str:
        return self.username.partition(".")[2]


OFFICERS: Final = (
    DemoOfficer("li.beijing", "李初审", roles.REVIEWER),
    DemoOfficer("liu.beijing", "刘初审", roles.REVIEWER),
    DemoOfficer("wang.beijing", "王复核", roles.SUPERVISOR),
    DemoOfficer("chen.beijing", "陈管理", roles.MANAGER),
    DemoOfficer("xu.beijing", "徐审计", roles.AUDITOR),
    DemoOfficer("he.mohurd", "何初审", roles.REVIEWER),
    DemoOfficer("lin.mohurd", "林复核", roles.SUPERVISOR),
    DemoOfficer("ma.sinopec", "马初审", roles.REVIEWER),
    DemoOfficer("gao.sinopec", "高复核", roles.SUPERVISOR),
    DemoOfficer("xie.shanghai", "谢初审", roles.REVIEWER),
    DemoOfficer("pan.shanghai", "潘复核", roles.SUPERVISOR),
    DemoOfficer("luo.guangdong", "罗初审", roles.REVIEWER),
    DemoOfficer("tang.guangdong", "唐复核", roles.SUPERVISOR),
    DemoOfficer("zhao.authority", "赵终审", roles.FINAL_REVIEWER),
    DemoOfficer("wu.authority", "吴终审", roles.FINAL_REVIEWER),
    DemoOfficer("qian.authority", "钱签批", roles.SIGNING_OFFICER),
    DemoOfficer("zhou.authority", "周登记", roles.REGISTRAR),
    DemoOfficer("feng.authority", "冯管理", roles.ADMINISTRATOR),
    DemoOfficer("wei.authority", "卫审计", roles.AUTHORITY_AUDITOR),
)


@dataclass(frozen=True, slots=True)
class Rosters:
    """The rows of both files, under the columns above."""

    qualifications: Sequence[Sequence[str]]
    registrations: Sequence[Sequence[str]]


def exam_year_of(person: DemoPerson, on: date) -> int:
    """The exam year of somebody with a part: some years ago for the registered, else the year before last."""
    return on.year - (9 if person.standing else 2)


def rosters(
    on: date,
    agencies: Sequence[tuple[str, int]],
    *,
    people: int = PEOPLE,
    registrations: int = REGISTRATIONS,
) -> Rosters:
    """Both rosters as they would look on a day, for these agencies (code and number)."""
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    everybody = [*DEMO_APPLICANTS, *_strangers(random, people - len(DEMO_APPLICANTS), registrations)]
    registered = [person for person in everybody if person.standing]
    firsts = 0
    rows = []
    for person in everybody:
        first = _first_timer(person) and firsts < FIRST_TIMERS
        firsts += first
        rows.append(_qualification(random, person, on, first=first))
    return Rosters(rows, [_registration(random, n, who, on, agencies) for n, who in enumerate(registered, 1)])


def app_key(username: str) -> bytes:
    """The key of an authenticator app of the demonstration's staff."""
    return sha256(f"{APP_SEED}: {username}".encode()).digest()[:20]


def announce(on: date) -> int:
    """Publish one batch for each past quarter in which somebody of the demonstration was registered.

    Only registrations that have not ended before their time can be announced. Stand at the authority's desk.
    Answers how many; none when there are batches already.
    """
    if Batch.objects.exists():
        return 0
    granted = Registration.objects.filter(granted_on__lt=on, ended_how="").select_related("person")
    quarters = [(key, list(rows)) for key, rows in groupby(granted.order_by("granted_on"), key=_quarter)]
    past = [(key, rows) for key, rows in quarters if _announced_on(*key) <= on]
    with transaction.atomic():
        for (year, quarter), rows in past:
            batch = announcing.compose(
                number=f"{year}-{quarter:02d}",
                title=f"{year}年第{quarter}批注册公告",
                registrations=rows,
            )
            announcing.publish(batch=batch, on=_announced_on(year, quarter))
    return len(past)


def _quarter(row: Registration) -> tuple[int, int]:
    return row.granted_on.year, (row.granted_on.month + 2) // 3


def _announced_on(year: int, quarter: int) -> date:
    """The tenth day after the quarter."""
    return clock.add_months(date(year, 1, 10), 3 * quarter)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A CSV file as offices exchange it: UTF-8 with a mark, every cell text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def write_xlsx(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A workbook with one sheet, every cell text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (columns, *rows):
        sheet.append(list(row))
    book.save(path)


# --- People --------------------------------------------------------------------------------------
STANDINGS: Final = ("valid",) * 14 + ("expiring",) * 2 + ("expired",) * 2 + ("cancelled", "revoked")


def _strangers(random: Random, count: int, registrations: int) -> Iterator[DemoPerson]:
    """Synthetic people under names nobody shares; the first so many of them are registered."""
    names = [f"{family}{stem}{stalk}" for family in FAMILIES for stem in STEMS for stalk in STALKS]
    random.shuffle(names)
    registered = registrations - sum(1 for person in DEMO_APPLICANTS if person.standing)
    for n in range(count):
        born = date(1964, 1, 1) + timedelta(days=random.randrange(36 * 365))
        document_type, number = _document(random, n, born)
        yield DemoPerson(
            name=names[n],
            document_type=document_type,
            number=number,
            certificate_number=f"DEMO{n + 101:07d}",
            standing=random.choice(STANDINGS) if n < registered else "",
            sex=random.choice("12"),
            born=born,
        )


def _document(random: Random, n: int, born: date) -> tuple[str, str]:
    """Mostly resident numbers; the serial in the middle keeps every number apart."""
    draw = random.random()
    if draw < 0.94:
        order = n % 1000
        number = documents.with_check_digit(f"{random.choice(PROVINCES)}0000{born:%Y%m%d}{order:03d}")
        return DocumentType.RESIDENT_ID.value, number
    if draw < 0.965:
        return DocumentType.PASSPORT.value, f"X{n + 1000:08d}"
    if draw < 0.985:
        return DocumentType.HK_MACAO_TRAVEL.value, f"{random.choice('HM')}{n + 1000:08d}01"
    return DocumentType.FOREIGN_RESIDENT.value, f"DEM{n:012d}"


def _first_timer(person: DemoPerson) -> bool:
    """Somebody without a part who can apply for the first time, in every demonstration another one."""
    resident = person.document_type == DocumentType.RESIDENT_ID.value
    return resident and not person.standing and person not in DEMO_APPLICANTS


def _qualification(random: Random, person: DemoPerson, on: date, *, first: bool) -> Sequence[str]:
    named = person in DEMO_APPLICANTS
    year = exam_year_of(person, on)
    if not named and not first:
        year -= random.randrange(6) - (0 if person.standing else 1)
    if year == on.year - 1 and on.month < 4:
        year -= 1
    issued = date(year + 1, 2, 1) + timedelta(days=random.randrange(40))
    category = "B7" if first or named else random.choice(NEW_CATEGORIES if year >= 2019 else OLD_CATEGORIES)
    # Resident numbers tell sex and birth date themselves; the file does not contradict them.
    told = person.document_type == DocumentType.RESIDENT_ID.value
    return (
        person.name,
        person.document_type,
        person.number,
        "" if told else person.sex,
        "" if told or person.born is None else person.born.isoformat(),
        person.certificate_number,
        f"{year}{random.randrange(10**8):08d}",
        str(year),
        issued.isoformat(),
        "示例考试中心",
        category,
        FIRST_TIME_NOTE if first else "",
    )


# --- Registrations -------------------------------------------------------------------------------
# Days from today to the last day of validity, by standing.
EXPIRY: Final = {
    "valid": (100, 1000),
    "expiring": (3, 80),
    "expired": (-600, -3),
    "cancelled": (100, 900),
    "revoked": (100, 900),
}
ENDS: Final = {"cancelled": ("已注销", "本人申请注销"), "revoked": ("已撤销", "以不正当手段取得注册")}


def _registration(
    random: Random, serial: int, person: DemoPerson, on: date, agencies: Sequence[tuple[str, int]]
) -> Sequence[str]:
    named = person in DEMO_APPLICANTS
    code, number = agencies[0] if named or random.random() < 0.1 else random.choice(agencies)
    last = on + timedelta(days=random.randrange(*EXPIRY[person.standing]))
    begins = clock.add_years(last + ONE_DAY, -3)
    before = random.random() < 0.3
    first = clock.add_years(begins, -3) if before else begins
    status, reason = ENDS.get(person.standing, ("有效" if last >= on else "已过期", ""))
    ended = (begins + (on - begins) / 2).isoformat() if reason else ""
    name, credit_code = _employer(random, serial)
    return (
        person.name,
        person.document_type,
        person.number,
        f"{begins:%y}{number:03d}{500_000 + serial:06d}",
        random.choice(OLD_CATEGORIES),
        "" if serial % 40 == 0 and not named else code,
        name,
        credit_code,
        first.isoformat(),
        begins.isoformat(),
        clock.validity_end(begins, 3).isoformat(),
        status,
        ended,
        reason,
    )


def _employer(random: Random, serial: int) -> tuple[str, str]:
    kind = random.choice(EMPLOYERS)
    province = random.choice(PROVINCES)
    return (
        f"示例{kind}第{serial % 90 + 10}有限公司",
        employer.with_check_character(f"91{province}0000MA{serial % 90 + 10:07d}"),
    )
