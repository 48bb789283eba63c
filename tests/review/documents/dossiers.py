"""Contents of dossiers as lodging freezes them, plainly synthetic."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

DIGEST = "3f2a91c05b7d4e6688aa0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6"


def experience(rows: int) -> list[dict[str, str]]:
    return [
        {
            "from": f"{1995 + row}-03",
            "to": "" if row == rows - 1 else f"{1996 + row}-02",
            "employer": f"示例化工有限公司第{row}分公司" + "安全生产监督管理部" * (row % 3),
            "post": "安全员",
            "work": str(1 + row % 9),
            "witness": "赵示例",
            "witness_phone": "13900000000",
        }
        for row in range(rows)
    ]


def education(rows: int) -> list[dict[str, str]]:
    return [
        {
            "from": "2025-03-01",
            "to": "2025-03-05",
            "provider": "示例安全培训中心",
            "course": "危险化学品安全管理",
            "hours": "16.5",
            "certificate": f"JX2025{row:05d}",
        }
        for row in range(rows)
    ]


def content(kind: str = "initial", *, rows: int = 4, courses: int = 0, **personal: str) -> dict[str, Any]:
    """The frozen content of one application."""
    registration: dict[str, Any] = {"category": "A4"}
    if kind != "initial":
        registration |= {
            "number": "23001000123",
            "first_registered_on": "2023-12-01",
            "valid_from": "2023-12-01",
            "valid_to": "2026-11-30",
        }
    if kind == "change":
        former = {"employer_name": "旧示例有限公司", "employer_code": "91310000MA1ABCDE8U", "category": "A1"}
        registration |= {"change_items": ["1", "2"], "former": former}
    return {
        "schema_version": 1,
        "reference": "ZC202610001237",
        "kind": kind,
        "late": False,
        "channel": "1",
        "agency": {"code": "beijing", "name_zh": "北京市应急管理局", "name_en": "Beijing", "number": 1},
        "personal": {
            "person": "5f0c9a52-0000-4000-8000-000000000001",
            "name": "张测",
            "sex": "1",
            "birth_date": "1986-05-12",
            "id_type": "01",
            "id_mask": "110000********0014",
            "id_digest": "0" * 64,
            "education": "21",
            "degree": "4",
            "school": "示例矿业大学",
            "major": "安全工程",
            "graduation_date": "2009-07",
            "study_mode": "1",
            "title": "3",
            "title_name": "工程师",
            "post": "安全环保部副经理",
            "mobile": "13800000000",
            "email": "zhang@example.com",
            "phone": "010-12345678",
            "address": "示例路 11 号",
            "postcode": "100083",
            **personal,
        },
        "qualification": {
            "level": "2",
            "certificate_number": "CS2025000001",
            "management_number": "GL2025000001",
            "exam_year": 2025,
            "issued_on": "2026-02-10",
            "issuer": "示例考试中心",
            "category": "B3",
        },
        "registration": registration,
        "employer": {
            "name": "北京示例化工有限公司",
            "code": "91110000MA00000152",
            "attribute": "04",
            "ownership": "159",
            "industry": "C",
            "group": "",
            "legal_representative": "李示例",
            "province": "北京市",
            "city": "北京市",
            "district": "海淀区",
            "address": "示例路 88 号 3 号楼",
            "postcode": "100080",
            "headcount": "356",
            "contact": "王示例",
            "phone": "010-87654321",
            "email": "hr@example.com",
            "post": "安全主管",
            "contract_from": "2024-03-01",
            "contract_to": "2028-02-29",
            "contract_open_ended": False,
        },
        "experience": experience(rows),
        "education": education(courses),
        "performance": "注册有效期内主持重大危险源评估。" if kind == "renewal" else "",
        "declaration": {"agreed": True, "delivery": "1"},
        "answers": [],
        "papers": [],
        "photo": {"sha256": ""},
        "policy_version": "2026-01-01",
    }


def portrait() -> bytes:
    """A picture of nobody, in the size of a portrait."""
    file = io.BytesIO()
    Image.new("RGB", (295, 413), "#c9d6e4").save(file, "JPEG")
    return file.getvalue()
