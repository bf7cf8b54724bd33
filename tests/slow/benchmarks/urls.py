"""The app's URLs and those of the floor."""

from django.urls import include, path

from tests.slow.benchmarks import floor

urlpatterns = [
    path("floor/slots", floor.free_slots),
    path("floor/reserve", floor.reserve),
    path("floor/confirm", floor.confirm),
    path("", include("scheduler_project.urls")),
]
