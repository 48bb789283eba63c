"""Two acts on one case at the same moment, in real threads on real connections.

`bin/bench races` runs a thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.cast import Cast
from tests.review.races import RACES, Course

pytestmark = pytest.mark.django_db(transaction=True)

# Each kind twice: enough to see a lock that is not taken.
COUNT: Final = 2 * len(RACES)


@pytest.fixture
def course(cast: Cast) -> Iterator[Course]:
    course = Course(cast)
    yield course
    course.close()


def test_of_two_acts_at_once_exactly_one_takes_effect_and_the_other_is_told(course: Course) -> None:
    tally = course.run(COUNT)
    assert tally.wrong == []
    assert (tally.races, tally.one_effect, tally.told + tally.followed) == (COUNT, COUNT, COUNT)
    assert set(tally.refusals) <= {
        *("state", "taken", "role", "extended", "nothing_pending", "has_it", "mine", "registered"),
        *("not_mine", "opinion_pending"),
    }
