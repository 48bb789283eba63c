"""The Celery application: the bell of the outbox and the clock's sweeps.

Tasks take plain ids and the agency's code; `tenants.tasks.PlacedTask` puts every task at the clerk's
place first, so a task that forgot to leave cannot put the next one inside an agency.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal", task_cls="tenants.tasks:PlacedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tenants", "notifications", "register", "review", "intake"])
