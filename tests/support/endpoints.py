"""Every request model and every kind of job, found as the package holds them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from airflow_provider_suno.api import endpoints
from airflow_provider_suno.api.jobs import JobKind
from airflow_provider_suno.api.request import SunoRequest

MODULES = [import_module(f"{endpoints.__name__}.{module.name}") for module in iter_modules(endpoints.__path__)]

REQUESTS: list[type[SunoRequest]] = [
    model
    for module in MODULES
    for model in vars(module).values()
    if isinstance(model, type)
    and issubclass(model, SunoRequest)
    and model.__module__ == module.__name__
    and hasattr(model, "call")
]

KINDS: list[JobKind] = [module.KIND for module in MODULES if hasattr(module, "KIND")]
