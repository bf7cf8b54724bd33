"""Health checks for load balancers and orchestrators: alive and ready."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from redis import RedisError

from scheduler_project.common.limits.throttling import redis_client


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Return 200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if the database answers and has every migration, and the broker answers; else 503 with the problem."""
    checks = {"database": database(), "broker": broker()}
    ready = all(state == "ok" for state in checks.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", **checks}, status=200 if ready else 503)


def database() -> str:
    try:
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return "unreachable"
    return f"{len(behind)} migrations to apply" if behind else "ok"


def broker() -> str:
    try:
        redis_client().ping()
    except RedisError:
        return "unreachable"
    return "ok"
