"""The web process. It warms what the first request would otherwise wait for: the broker and the fonts."""

import os
from threading import Thread

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()


def _warm() -> None:
    from register.printing import warm  # noqa: PLC0415  the applications must be loaded first
    from tenants.tasks import warm_producer  # noqa: PLC0415

    warm_producer()
    warm()


Thread(target=_warm, daemon=True, name="warm").start()
