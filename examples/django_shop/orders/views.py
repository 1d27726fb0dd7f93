"""The page of an order, and the route for tokens."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from .chat import conversation_of, token_of
from .models import Order


@never_cache  # type: ignore[untyped-decorator]  # Django comes without types
@login_required  # type: ignore[untyped-decorator]
def chat_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(token_of(request.user), content_type="text/plain")


@login_required  # type: ignore[untyped-decorator]
def show_order(request: HttpRequest, number: int) -> HttpResponse:
    """Shows an order to its buyer and to the people of the shop."""
    mine = Q() if request.user.is_staff else Q(buyer=request.user)
    order = get_object_or_404(Order.objects.filter(mine), pk=number)
    support = User.objects.get(username="support")
    values = {"order": order, "talkwire": settings.TALKWIRE, "conversation": conversation_of(order, support)}
    return render(request, "orders/order.html", values)
