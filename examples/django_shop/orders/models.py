"""What customers have ordered."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Order(models.Model):  # type: ignore[misc]  # Django comes without types
    """An order of a customer."""

    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    article = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"Order {self.pk}: {self.article}"
