"""The addresses of orders and of the chat's tokens."""

from django.urls import path

from . import views

urlpatterns = [path("orders/<int:number>/", views.show_order), path("chat-token", views.chat_token)]
