"""Hires a colleague: `python manage.py hire kim` creates a user who answers customers."""

import secrets
from argparse import ArgumentParser

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from ...chat import join_team


class Command(BaseCommand):  # type: ignore[misc]  # Django comes without types
    """Creates somebody of the shop, adds them to the team, and prints their password."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **_: object) -> None:
        password = secrets.token_urlsafe(6)
        join_team(User.objects.create_user(username, password=password, is_staff=True))
        self.stdout.write(f"Sign in as {username}. The password is: {password}")
