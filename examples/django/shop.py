"""A shop on Django, whose customers chat about an order on the order's page.

pip install django httpx pyjwt
JWT_SECRET=… TALKWIRE=http://localhost:3000 python shop.py runserver 8000

One file, where a project has settings.py, urls.py and views.py. What the chat needs are `chat_token`, `order` and the
template; the rest is the shop.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import httpx
import jwt
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.template import engines
from django.urls import path

TALKWIRE = os.environ["TALKWIRE"]

ORDER_PAGE = """\
<!doctype html>
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order {{ number }}</title>
<h1>Order {{ number }}</h1>

<script type="module" src="{{ talkwire }}/embed.js"></script>
<talkwire-chat server="{{ talkwire }}" conversation="order-{{ number }}" compact></talkwire-chat>
<script>
  document.querySelector("talkwire-chat").token = async () => {
    const answer = await fetch("/chat-token");
    if (!answer.ok) throw new Error(`/chat-token answers ${answer.status}`);
    return answer.text();
  };
</script>
"""


def signed(**claims: str) -> str:
    expires = datetime.now(UTC) + timedelta(minutes=15)
    return jwt.encode({"exp": expires, **claims}, os.environ["JWT_SECRET"], algorithm="HS256")


def chat_token(request: HttpRequest) -> HttpResponse:
    """Returns a token of the customer who is signed in. With Django's users, `request.user` says who that is."""
    customer = request.get_signed_cookie("customer", default=None)
    if customer is None:
        return HttpResponseForbidden("Sign in first.")
    answer = HttpResponse(signed(sub=customer, name=customer.title()), content_type="text/plain")
    answer["Cache-Control"] = "no-store"
    return answer


def order(request: HttpRequest, number: int) -> HttpResponse:
    """Shows an order, after making sure that its conversation exists."""
    customer = request.get_signed_cookie("customer", default=None)
    if customer is None:
        return HttpResponseForbidden("Sign in first.")
    conversation = {
        "id": f"order-{number}",
        "kind": "group",
        "name": f"Order {number}",
        "memberIds": [customer, "support"],
        "notify": "all",
    }
    service = {"Authorization": f"Bearer {signed(sub='shop', role='service')}"}
    # A second request with the same members returns the existing conversation.
    httpx.post(f"{TALKWIRE}/api/v1/conversations", json=conversation, headers=service).raise_for_status()
    template = engines["django"].from_string(ORDER_PAGE)
    return HttpResponse(template.render({"number": number, "talkwire": TALKWIRE}))


def sign_in(request: HttpRequest) -> HttpResponse:
    """Signs in anybody who says a name, which a real shop does not."""
    answer = HttpResponseRedirect("/orders/17")
    answer.set_signed_cookie("customer", request.GET["name"], httponly=True, samesite="Lax")
    return answer


urlpatterns = [path("sign-in", sign_in), path("orders/<int:number>", order), path("chat-token", chat_token)]

settings.configure(
    SECRET_KEY=os.environ["JWT_SECRET"],
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
