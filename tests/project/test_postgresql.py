"""The health check of a kept connection."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def test_is_usable_says_so_of_a_connection_that_stands():
    connection.ensure_connection()

    assert connection.is_usable()


def test_is_usable_notices_that_the_server_hung_up():
    connection.ensure_connection()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()

    assert not connection.is_usable()
    connection.close()


def test_request_after_the_server_hung_up_gets_a_new_connection(client):
    client.get("/readyz")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()

    connection.health_check_done = False
    connection.close_if_health_check_failed()

    assert client.get("/readyz").status_code == 200
