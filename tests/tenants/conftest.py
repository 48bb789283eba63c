from __future__ import annotations

import pytest

from tenants.models import Agency


@pytest.fixture
def beijing(db: None) -> Agency:
    return Agency.objects.get(code="beijing")


@pytest.fixture
def mohurd(db: None) -> Agency:
    return Agency.objects.get(code="mohurd")


@pytest.fixture
def sinopec(db: None) -> Agency:
    return Agency.objects.get(code="sinopec")


@pytest.fixture
def authority(db: None) -> Agency:
    return Agency.objects.get(code="authority")
