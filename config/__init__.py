"""Settings, URLs, task queue and servers: what starts the product."""

from .celery import app as celery_app

__all__ = ["celery_app"]
