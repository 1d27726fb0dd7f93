"""The shop's addresses."""

from django.urls import include, path

urlpatterns = [path("", include("django.contrib.auth.urls")), path("", include("orders.urls"))]
