"""The addresses of orders, of the desk and of the chat's tokens."""

from django.urls import path

from . import views

urlpatterns = [
    path("orders/<int:number>/", views.show_order),
    path("orders/<int:number>/claim", views.claim_order),
    path("desk/", views.show_desk),
    path("chat-token", views.chat_token),
]
