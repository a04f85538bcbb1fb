"""A flagged job: a plain job whose record tells its progress by a ``successFlag``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from airflow_provider_suno.simulator.jobs.plain_job import PlainJob


class FlaggedJob(PlainJob):
    """One submitted job of such a kind."""

    @abstractmethod
    def own_fields(self, base_url: str, *, finished: bool) -> dict[str, Any]:
        """Return the fields of the record that only this kind has."""

    @abstractmethod
    def callback_data(self) -> dict[str, Any]:
        """Return the ``data`` of its callback."""

    def record(self, now: float, base_url: str) -> dict[str, Any]:
        """
        Return the ``data`` of its record.

        :param now: simulated time.
        :param base_url: the simulator's address, without a slash at the end.
        """
        failed = self.failed(now)
        return {
            "taskId": self.job_id,
            **self.own_fields(base_url, finished=self.finished(now)),
            "callbackUrl": self.request.get("callBackUrl"),
            "completeTime": int(self.completed_at) * 1000 if self.ended(now) else None,
            "successFlag": self.flag(now),
            "createTime": int(self.create_time) * 1000,
            "errorCode": self.error_code() if failed else None,
            "errorMessage": self.order.message if failed else None,
        }

    def callback_body(self) -> dict[str, Any]:
        """Return the body of its callback."""
        code, msg = (500, self.order.message) if self.fails else (200, "success")
        return {"code": code, "msg": msg, "data": self.callback_data()}
