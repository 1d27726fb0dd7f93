"""Fills the shop: `python manage.py fill` creates a customer, somebody who answers, and an order."""

import secrets

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from ...chat import put_team
from ...models import Order


class Command(BaseCommand):  # type: ignore[misc]  # Django comes without types
    """Creates alice, support and order 17, and prints the password of both."""

    def handle(self, **_: object) -> None:
        password = secrets.token_urlsafe(6)
        alice = User.objects.create_user("alice", password=password, first_name="Alice", last_name="Moreau")
        User.objects.create_user("support", password=password, first_name="Sam", is_staff=True)
        Order.objects.create(pk=17, buyer=alice, article="A blue bicycle")
        put_team()
        self.stdout.write(f"Sign in as alice or support. The password is: {password}")
