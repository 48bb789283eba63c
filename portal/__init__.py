"""Wiring only: settings, hosts, URLconfs. Nobody imports this package."""

from celery_app import app as celery_app

__all__ = ["celery_app"]
