"""
The state of the simulated service: one account with its credits, jobs, personas, uploads and ledger.

Nothing here reads a clock or a socket: the simulated time is passed in as ``now``. Only uploaded files are on disk.
``submissions.py`` adds music tasks, and ``plain_jobs.py`` the other jobs. What is refused is decided in the folder
``rules``.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from airflow_provider_suno.simulator.jobs.job import Job
from airflow_provider_suno.simulator.jobs.plain_job import PlainJob
from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.state.callback_queue import CallbackQueue
from airflow_provider_suno.simulator.state.credits import DEFAULT_CREDITS
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, HostProfile
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.ledger import CreditEntry, Ledger
from airflow_provider_suno.simulator.state.links import Links
from airflow_provider_suno.simulator.state.order_queue import OrderQueue
from airflow_provider_suno.simulator.state.personas import Persona
from airflow_provider_suno.simulator.state.rate_limits import RateLimits
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.state.upload_store import UploadStore

DEFAULT_API_KEY = "sim-key"


@dataclass
class ServiceState:
    """
    Everything the service stores for its one account.

    :param ids: makes new ids.
    :param credits: the account's balance.
    :param api_keys: the keys of the account.
    :param settings: how new jobs are made, and the rate limits.
    :param profile: the reseller that is simulated.
    :param uploads: the uploaded files.
    :param rate_limits: the calls that count towards the rate limits.
    :param callback_queue: the callbacks to send.
    :param orders: what tests ask of the next jobs that are not music.
    :param music_tasks: the music tasks, by id.
    :param jobs: the jobs of the other kinds, by id.
    :param personas: the personas, by id.
    :param links: the temporary links to finished files.
    :param ledger: what happened.
    """

    ids: IdSource
    credits: Decimal = DEFAULT_CREDITS
    api_keys: tuple[str, ...] = (DEFAULT_API_KEY,)
    settings: Settings = field(default_factory=Settings)
    profile: HostProfile = APIKLEY
    uploads: UploadStore = field(default_factory=UploadStore)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    callback_queue: CallbackQueue = field(default_factory=CallbackQueue)
    orders: OrderQueue = field(default_factory=OrderQueue)
    music_tasks: dict[str, MusicTask] = field(default_factory=dict)
    jobs: dict[str, PlainJob] = field(default_factory=dict)
    personas: dict[str, Persona] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
    ledger: Ledger = field(default_factory=Ledger)
    _tasks_of_tracks: dict[str, str] = field(default_factory=dict)
    _tracks_of_files: dict[str, str] = field(default_factory=dict)
    _jobs_of_files: dict[str, str] = field(default_factory=dict)
    _refunds_due: list[tuple[float, int, Job]] = field(default_factory=list)

    def add_music_task(self, task: MusicTask) -> None:
        """Store a new music task, so that it can be found by its id, its tracks and their files."""
        self.music_tasks[task.music_task_id] = task
        self._tasks_of_tracks.update(dict.fromkeys(task.audio_ids, task.music_task_id))
        self._tracks_of_files.update(task.files())

    def add_job(self, job: PlainJob) -> None:
        """Store a new job of another kind, so that it can be found by its id and its files."""
        self.jobs[job.job_id] = job
        self._jobs_of_files.update(dict.fromkeys(job.files(), job.job_id))

    def charge(self, job: Job, *, now: float) -> None:
        """
        Charge the account for a job, unless it is free. If the job is going to fail, the credits are refunded then.

        :param now: simulated time.
        """
        if not job.price:
            return
        self.credits -= job.price
        self._add_credit_entry("charge", job, now)
        if job.refund_at is not None:
            heapq.heappush(self._refunds_due, (job.refund_at, len(self.ledger.credits), job))

    def apply_refunds(self, now: float) -> None:
        """
        Refund every job that has failed by now.

        :param now: simulated time.
        """
        while self._refunds_due and self._refunds_due[0][0] <= now:
            failed_at, _, job = heapq.heappop(self._refunds_due)
            self.credits += job.price
            self._add_credit_entry("refund", job, failed_at)

    def _add_credit_entry(self, kind: Literal["charge", "refund"], job: Job, at: float) -> None:
        self.ledger.credits.append(CreditEntry(at, kind, job.kind, job.job_id, job.price, self.credits))

    def callback_failed(self, job_id: str, *, now: float) -> None:
        """
        Note that a callback could not be delivered. The record shows it if ``callback_exception`` is set.

        :param now: simulated time.
        """
        if not self.settings.callback_exception:
            return
        if job_id in self.music_tasks:
            self.music_tasks[job_id] = self.music_tasks[job_id].with_callback_exception(now)
        else:
            self.jobs[job_id] = self.jobs[job_id].with_callback_exception()

    def find(self, music_task_id: str, now: float) -> MusicTask | None:
        """
        Return a music task if callers can see it yet.

        :param now: simulated time.
        """
        task = self.music_tasks.get(music_task_id)
        return task if task is not None and task.visible_at <= now else None

    def find_job(self, job_id: str, now: float) -> PlainJob | None:
        """
        Return a job of any kind but music if callers can see it yet.

        :param now: simulated time.
        """
        job = self.jobs.get(job_id)
        return job if job is not None and job.visible_at <= now else None

    def job_of_file(self, file_name: str) -> PlainJob | None:
        """
        Return the job that made a file, other than a music task, or None if there is no such file.

        :param file_name: the file's name.
        """
        return self.jobs.get(self._jobs_of_files.get(file_name, ""))

    def task_of_track(self, audio_id: str) -> MusicTask | None:
        """Return the music task of a track, or None if there is no such track."""
        return self.music_tasks.get(self._tasks_of_tracks.get(audio_id, ""))

    def track_of_file(self, file_name: str) -> str | None:
        """
        Return the track of a file, or None if there is no such file.

        :param file_name: the file's name.
        """
        return self._tracks_of_files.get(file_name)

    def make_persona(self, music_task_id: str, audio_id: str, name: str, description: str, *, now: float) -> Persona:
        """
        Make a persona of a track.

        :param audio_id: its track.
        :param now: simulated time.
        """
        persona = Persona(self.ids.persona(), music_task_id, audio_id, name, description, now)
        self.personas[persona.persona_id] = persona
        return persona

    def persona_of(self, audio_id: str) -> Persona | None:
        """Return the persona of a track, if there is one."""
        return next((persona for persona in self.personas.values() if persona.audio_id == audio_id), None)
