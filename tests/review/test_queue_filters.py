"""The filters of the queue: what each leaves, which texts are document numbers, where those never stand."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from register import clock, documents
from register.models import DocumentType, Kind
from review import casework, queue
from review.models import Case
from review.queue import Wish
from review.states import State
from tenants import crossing
from tenants.crossing import Desk
from tests import casefiles, factories
from tests.cast import Cast
from tests.review.desks import at_desk
from tests.review.test_queue import lodge_many, lodge_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def four(cast: Cast) -> list[Case]:
    """Of Beijing: overdue and held by Li, due tomorrow, due in four days and mended, without a deadline."""
    people = [factories.person(name) for name in ("赵测一", "赵测二", "钱试三", "JOHN SAMPLE")]
    with crossing.standing(Desk.APPLICANT):
        cases = [lodge_one(cast, person) for person in people]
    over, soon, week, never = cases
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casework.take_up(case=over, by=cast.actor("li"))
        days = {over: clock.today() - timedelta(days=1), soon: casefiles.today_plus(1)}
        for case, due in {**days, week: casefiles.today_plus(4), never: None}.items():
            Case.objects.filter(pk=case.pk).update(due_on=due)
        Case.objects.filter(pk=week.pk).update(
            kind=Kind.RENEWAL, category="B2", employer_name="上海样例 Power 公司", state=State.CORRECTION
        )
    # What could leak: the same people's like at another agency.
    lodge_many(cast, 1, agency="mohurd")
    return cases


@pytest.mark.parametrize(
    ("wish", "left"),
    [
        ({}, "0123"),
        ({"state": "correction"}, "2"),
        ({"kind": "renewal"}, "2"),
        ({"category": "B2"}, "2"),
        ({"due": "over"}, "0"),
        ({"due": "next"}, "1"),
        ({"due": "week"}, "12"),
        ({"due": "none"}, "3"),
        ({"hold": "mine"}, "0"),
        ({"hold": "free"}, "123"),
        ({"employer": "样例"}, "2"),
        ({"employer": "power"}, "2"),
        ({"employer": "例样"}, ""),
        ({"search": "赵测"}, "01"),
        ({"search": "测赵"}, ""),
        ({"search": "测"}, "01"),
        ({"search": "sample"}, "3"),
        ({"search": "上海"}, "2"),
        ({"search": "50%"}, ""),
        ({"search": "赵", "due": "next"}, "1"),
        ({"batch": "BEIJING"}, ""),
    ],
)
def test_each_filter_leaves_what_it_says(
    cast: Cast, four: list[Case], wish: dict[str, str], left: str
) -> None:
    li = cast.user("li").pk
    with crossing.standing(Desk.AGENCY, cast.beijing):
        lines = queue.narrowed(queue.cases(), queue.CASES, Wish(**wish), user_id=li)
        found = {line.pk for line in lines}
        counted = queue.counts(lines, queue.CASES, user_id=li)
    assert found == {four[int(place)].pk for place in left}
    assert counted["all"] == len(found)


def test_a_colleague_and_a_batch_are_found(cast: Cast, four: list[Case]) -> None:
    case = four[1]
    with crossing.standing(Desk.AGENCY, cast.beijing):
        casefiles.walk(case, cast.actor("liu"), State.REPORTED)
        assert case.dispatch is not None
        wishes = Wish(batch=case.dispatch.number.lower(), hold=str(cast.user("liu").pk))
        lines = queue.narrowed(queue.cases(), queue.CASES, wishes, user_id=0)
        assert [line.pk for line in lines] == [case.pk]


def test_what_a_closed_account_holds_counts_as_free(cast: Cast, four: list[Case]) -> None:
    li, liu = cast.user("li"), cast.user("liu")
    with crossing.standing(Desk.AGENCY, cast.beijing):
        for case, holder in ((four[1], li), (four[2], liu), (four[3], None)):
            Case.objects.filter(pk=case.pk).update(assignee=holder)
        Case.objects.filter(pk=four[0].pk).update(assignee=li)
        liu.is_active = False
        liu.save()
        lines = queue.narrowed(queue.cases(), queue.CASES, Wish(hold="free"), user_id=li.pk)
        assert {line.pk for line in lines} == {four[2].pk, four[3].pk}


def test_who_may_be_chosen_as_a_holder(cast: Cast, four: list[Case]) -> None:
    liu = cast.user("liu")
    liu.is_active = False
    liu.save()
    with crossing.standing(Desk.AGENCY, cast.beijing):
        assert [(each.name, each.reviews) for each in queue.holders(cast.beijing)] == [("李初审", True)]
        Case.objects.filter(pk=four[1].pk).update(assignee=liu)
        with CaptureQueriesContext(connection) as asked:
            found = queue.holders(cast.beijing)
    assert [(each.name, each.reviews) for each in found] == [("刘初审", False), ("李初审", True)]
    assert len(asked) == 1


def test_what_is_over_is_counted_only_so_far(
    cast: Cast, four: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    with crossing.standing(Desk.AGENCY, cast.beijing):
        Case.objects.filter(pk__in=[case.pk for case in four[:3]]).update(state=State.ISSUED, due_on=None)
        monkeypatch.setattr(queue, "MOST_COUNTED", 3)
        assert queue.counts(queue.cases(), queue.CASES, user_id=0)["all"] == 4
        monkeypatch.setattr(queue, "MOST_COUNTED", 2)
        counted = queue.counts(queue.cases(), queue.CASES, user_id=0)
    assert (counted["closed"], counted["all"], counted["submitted"]) == (None, None, 1)


# --- Document numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "documents_of"),
    [
        ("", []),
        ("张测", []),
        ("ZC20261000017", []),
        ("zc2026 1000 0174", []),
        ("第123号", []),
        ("11000019900101003X", ["01", "10"]),
        (" １１００００１９９００１０１００３ｘ ", ["01", "10"]),
        ("E12345678", ["02", "03", "10"]),
        ("H12345678", ["02", "03", "04", "10"]),
        ("军字第1234567号", ["02", "10"]),
    ],
)
def test_which_texts_are_document_numbers(text: str, documents_of: list[str]) -> None:
    found = [kind for kind, _number in queue.numbers_in(text)]
    assert set(documents_of) <= set(found) | {"02", "10"}
    assert bool(found) == bool(documents_of)


@pytest.mark.parametrize(
    "text", ["110000199001010031", "11000019900101003", "990000199001010030", "110000900101003"]
)
def test_a_resident_number_with_a_fault_is_no_number(text: str) -> None:
    with pytest.raises(ValidationError):
        queue.numbers_in(text)


def test_a_document_number_is_searched_and_stands_nowhere(cast: Cast) -> None:
    zhang, sun = cast.zhang, cast.sun
    with crossing.standing(Desk.APPLICANT):
        mine, other = lodge_one(cast, zhang), lodge_one(cast, sun)
    li, number = at_desk(cast, "li"), "11000019900101003X"
    answer = li.post("/cases/search/", {"tab": "todo", "search": number.lower(), "kind": "initial"})
    asked = parse_qs(urlsplit(answer["Location"]).query)
    assert (answer.status_code, sorted(asked)) == (302, ["document", "kind", "tab"])
    assert asked["document"] == [documents.digest(DocumentType.RESIDENT_ID, number)]
    page = li.get(answer["Location"])
    text = page.content.decode()
    assert mine.reference in text
    assert other.reference not in text
    everything = text + answer["Location"] + str(li.cookies) + str(dict(li.session))
    assert number not in everything.upper()
    # The next search by name drops the number, another filter keeps it.
    kept = li.post("/cases/search/", {"document": asked["document"][0], "due": "week"})
    assert "document=" in kept["Location"]
    dropped = li.post("/cases/search/", {"document": asked["document"][0], "search": "孙"})
    assert "document=" not in dropped["Location"]


def test_a_number_typed_into_the_address_is_taken_out_of_it(cast: Cast) -> None:
    lodge_many(cast, 1)
    li = at_desk(cast, "li")
    answer = li.get("/cases/?tab=all&search=11000019900101003X")
    assert (answer.status_code, "003X" in answer["Location"].upper()) == (302, False)
    assert "没有符合条件的案卷" in li.page(answer["Location"])


def test_a_wrong_number_says_what_is_wrong_and_stays_in_its_box(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    li = at_desk(cast, "li")
    answer = li.post("/cases/search/", {"tab": "todo", "search": "110000199001010031"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "证件号码校验位不符" in text
    assert 'value="110000199001010031"' in text
    assert case.reference in text
    assert "110000199001010031" not in str(li.cookies)


def test_a_value_that_does_not_exist_asks_for_nothing_and_says_so(cast: Cast) -> None:
    (case,) = lodge_many(cast, 1)
    page = at_desk(cast, "li").page("/cases/?kind=nonsense&due=never&hold=99999999&document=xyz&state=draft")
    assert case.reference in page
    assert page.count("没有这个选项，未按此项筛选。") == 4
    assert "证件号码标记无效" in page


def test_the_authority_searches_by_document_number_too(cast: Cast) -> None:
    mine = factories.docket_line(cast.zhang, cast.beijing, state="reported", clock="N")
    other = factories.docket_line(cast.sun, cast.beijing, state="reported", clock="N")
    zhao = at_desk(cast, "zhao")
    answer = zhao.post("/cases/search/", {"search": "11000019900101003X"})
    page = zhao.page(answer["Location"])
    assert mine.reference in page
    assert other.reference not in page
