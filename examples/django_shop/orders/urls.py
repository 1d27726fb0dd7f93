"""The addresses of orders, of the desk, of the chat's tokens and of its scripts."""

from django.urls import path
from django.views.generic import TemplateView

from . import views

urlpatterns = [
    path("orders/<int:number>/", views.show_order),
    path("orders/<int:number>/claim", views.claim_order),
    path("desk/", views.show_desk),
    path("chat-token", views.chat_token),
    path("chat.js", TemplateView.as_view(template_name="chat.js", content_type="text/javascript")),
    path("sw.js", TemplateView.as_view(template_name="sw.js", content_type="text/javascript")),
]
