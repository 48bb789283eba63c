"""Hold movements, notices, docket and register against one another, and mend what a machine can."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import override

from review import reconcile
from review.reconcile import Found
from review.walk import agencies
from tenants import crossing
from tenants.crossing import Desk


class Command(BaseCommand):
    help = "Compare movements, notices, docket and register; exits with 1 while differences stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="mend what a machine can")
        parser.add_argument("--agency", metavar="CODE", help="only this agency")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES])

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["agency"]
        with override(options["language"] or settings.LANGUAGE_CODE):
            with crossing.standing(Desk.CLERK):
                found = reconcile.run(agencies(code), whole=code is None, fix=options["fix"])
            if options["json"]:
                self.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False))
            else:
                self._say(found)
            if found.differences:
                left = _("还有 %(n)s 处不一致。") % {"n": len(found.differences)}
                raise CommandError(left, returncode=1)

    def _say(self, found: Found) -> None:
        for one in found.differences:
            self.stdout.write(self.style.ERROR(f"{one.said} {one.ask}".rstrip()))
        sums = {
            name: getattr(found, name) for name in ("agencies", "cases", "movements", "notices", "mended")
        }
        said = _(
            "已比对 %(agencies)s 个机构、%(cases)s 份案卷、%(movements)s 条流转记录、%(notices)s 条通知，"
            "已修复 %(mended)s 处。"
        )
        self.stdout.write(self.style.SUCCESS(said % sums) if not found.differences else said % sums)
