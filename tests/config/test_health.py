"""The process, its parts and its counters answer whoever may ask."""

import pytest
from django.test import Client


class TestHealth:
    def test_says_that_the_process_is_up_without_asking_anybody(self, client: Client) -> None:
        assert client.get("/healthz").json() == {"status": "ok"}

    @pytest.mark.django_db
    def test_names_the_part_that_is_missing(self, client: Client) -> None:
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json() == {
            "status": "unavailable",
            "database": "ok",
            "broker": "ok",
            "worker": "unreachable",
        }

    def test_is_ready_once_a_worker_answers(
        self, client: Client, celery_worker_process: object
    ) -> None:
        response = client.get("/readyz")
        assert (response.status_code, response.json()["worker"]) == (200, "ok")


class TestMetrics:
    def test_answers_the_own_machine(self, client: Client) -> None:
        assert b"django_" in client.get("/metrics").content

    def test_hides_from_other_addresses(self, client: Client) -> None:
        assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404

    @pytest.mark.parametrize(("token", "status"), [("right", 200), ("wrong", 404), ("", 404)])
    def test_asks_for_the_token_when_there_is_one(
        self, client: Client, settings: object, token: str, status: int
    ) -> None:
        settings.METRICS_TOKEN = "right"
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
