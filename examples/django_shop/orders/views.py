"""The page of an order, the desk of those who answer, and the route for tokens."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required, user_passes_test
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from .chat import claim, conversation_of, open_conversations, token_of
from .models import Order

for_staff = user_passes_test(lambda user: user.is_staff, login_url="/login/")


@never_cache  # type: ignore[untyped-decorator]  # Django comes without types
@login_required  # type: ignore[untyped-decorator]
def chat_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(token_of(request.user), content_type="text/plain")


@login_required  # type: ignore[untyped-decorator]
def show_order(request: HttpRequest, number: int) -> HttpResponse:
    """Shows an order to its buyer and to the people of the shop."""
    mine = Q() if request.user.is_staff else Q(buyer=request.user)
    order = get_object_or_404(Order.objects.filter(mine), pk=number)
    values = {"order": order, "talkwire": settings.TALKWIRE, "conversation": conversation_of(order)}
    return render(request, "orders/order.html", values)


@for_staff  # type: ignore[untyped-decorator]
def show_desk(request: HttpRequest) -> HttpResponse:
    """Shows the people of the shop which customers wait, and who answers whom."""
    names = {str(each.pk): each.get_username() for each in User.objects.filter(is_staff=True)}
    rows = [
        {
            "number": each["id"].removeprefix("order-"),
            "name": each["name"],
            "waiting_since": each["waitingSince"],
            "handler": names.get(each["handler"]),
        }
        for each in open_conversations()
    ]
    return render(request, "orders/desk.html", {"rows": rows})


@require_POST  # type: ignore[untyped-decorator]
@for_staff  # type: ignore[untyped-decorator]
def claim_order(request: HttpRequest, number: int) -> HttpResponse:
    claim(f"order-{number}", request.user)
    return redirect("/desk/")
