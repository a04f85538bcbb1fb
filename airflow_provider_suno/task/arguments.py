"""
Check what the user gave a task: an argument that was given and resolves to nothing is an error, never "not given".

Airflow renders the templates of a copy of the task, so the task that the Dag holds still has its arguments as they were
written. An argument is *given* if an XComArg or a template was written, or any literal but ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.compat import built_for_one_of_several
from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.task.names import is_ours

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

_JINJA_MARKS = ("{{", "{%", "{#")
_EXPRESSION = r"(?s)\{\{.*?\}\}"
_MISSING = r"[\s\[\](){},:;'\"-]*(?:\b(?:None|null|undefined|nan|NaN)\b[\s\[\](){},:;'\"-]*)*"
"""The text that missing values become, alone or in a list."""
_UNKNOWN = "{{ unknown }}"
"""Stands for a value that is not known when the Dag is parsed."""

_TWO_TASKS = (
    'To leave the argument out, use two tasks and a branch (see "A given argument must not be empty" in the docs).'
)


def check_arguments(
    task: BaseOperator, context: Context, *, optional_texts: Collection[str] = (), records: Collection[str] = ()
) -> None:
    """Raise what :func:`empty_arguments` finds."""
    refuse_empty(empty_arguments(task, context, optional_texts=optional_texts, records=records))


def refuse_empty(problems: Mapping[str, str]) -> None:
    """Raise a :class:`SunoValidationError` that lists what :func:`empty_arguments` found, if anything."""
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems.values())
        raise SunoValidationError(f"Nothing was sent or charged: an argument was given, but is empty.{listed}")


def refuse_non_flags(values: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse flags that are not booleans: they are not templated, and the text ``"False"`` would count as true."""
    for name in names:
        if not isinstance(value := values.get(name), (int, type(None))):
            raise SunoValidationError(f"{name}: must be True or False (no template, no text), got {excerpt(value)}.")


def empty_arguments(
    task: BaseOperator, context: Context, *, optional_texts: Collection[str] = (), records: Collection[str] = ()
) -> dict[str, str]:
    """
    Return the arguments that were given but resolved to nothing: what is wrong with each, and where it comes from.

    Also turns text back into text in a Dag that renders native Python objects, and warns when one part of a text
    resolved to nothing.

    :param task: the task that runs, its templates rendered.
    :param context: the context of the try.
    :param optional_texts: arguments whose template may render blank, as in ``{{ params.style or '' }}``; such an
        argument counts as not given.
    :param records: arguments that take a record of the service, in which ``None`` is a value.
    """
    native = _renders_native(task)
    problems: dict[str, str] = {}
    for name, written in _arguments_as_written(task, context).items():
        if native:
            setattr(task, name, _without_native_types(task, written, getattr(task, name), context))
        if found := list(_problems(task, name, written, context, optional_texts, whole=name in records)):
            problems[name] = "\n  ".join(found)
    return problems


def refuse_wrong_literals(task: Any) -> None:
    """
    Refuse wrong literals when the Dag is parsed, rather than when the task runs.

    Not checked: a user's class with its own ``__init__``, which may set arguments later, and each task of a mapped one,
    whose literals were checked when the Dag was parsed.

    :param task: the task, a ``MappableOperator`` whose arguments are set.
    :raises SunoValidationError: as the task would when it runs.
    """
    if is_ours(type(task).__init__) and not built_for_one_of_several(task):
        names = (*task.template_fields, *task.also_checked)
        _check_literals(type(task), {name: getattr(task, name) for name in names})


def refuse_wrong_literals_of_mapped(
    operator: Any, given: Mapping[str, Any], expanded: Any, defaults: Mapping[str, Any]
) -> None:
    """
    Refuse wrong literals of a mapped task when its Dag is parsed.

    :param operator: the class that is mapped, a ``MappableOperator``.
    :param given: what ``partial`` was given.
    :param expanded: what ``expand`` was given, by name; or what ``expand_kwargs`` was given.
    :param defaults: the ``default_args`` that Airflow adds when it builds each task.
    :raises SunoValidationError: as the task would when it runs.
    """
    if not is_ours(operator.__init__):
        return
    names = (*operator.template_fields, *operator.also_checked)
    for number, item in enumerate(_expanded_literals(operator, given, expanded)):
        arguments = {**defaults, **given, **item}
        known = {name: arguments[name] for name in names if name in arguments}
        if number:
            known.pop("task_id", None)  # so that a warning comes once
        _check_literals(operator, known)


def _expanded_literals(operator: Any, given: Mapping[str, Any], expanded: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what ``expand`` adds, with one known value at a time; the other values are not known yet."""
    if isinstance(expanded, Mapping):
        unknown = dict.fromkeys(expanded, _UNKNOWN)
        yield unknown
        for name, values in expanded.items():
            if isinstance(values, (list, tuple)):
                yield from ({**unknown, name: value} for value in values)
    elif isinstance(expanded, (list, tuple)):
        yield from (item for item in expanded if isinstance(item, Mapping))
    else:
        yield {name: _UNKNOWN for name in operator.template_fields if name not in given}


def _check_literals(operator: Any, arguments: Mapping[str, Any]) -> None:
    known = {
        name: value
        for name, value in arguments.items()
        if (_is_literal(value) and not _is_file(operator, value))
        or (name in operator.also_checked and value != _UNKNOWN)
    }
    for name, value in known.items():
        if name in operator.template_fields and _is_blank(value):
            raise SunoValidationError(_blank_literal(operator, name))
    if known.get("suno_conn_id", "") is None:
        raise SunoValidationError("suno_conn_id: must be the id of a connection, got None.")
    operator.check_literals(known, [name for name in arguments if name not in known])


def _blank_literal(operator: Any, name: str) -> str:
    advice = " Leave it out or pass None if you do not need it." if operator.may_be_left_out(name) else ""
    return f"{name}: must not be empty.{advice}"


def _arguments_as_written(task: BaseOperator, context: Context) -> dict[str, Any]:
    """
    Return the templated arguments that the Dag gives to the task, before rendering.

    One of several mapped tasks is built once more, from the unresolved values: so a subclass may pass its own
    parameters on as ours. If that fails, what ``partial`` and ``expand`` were given has to do.
    """
    dag = task.get_dag()
    original: Any = dag.task_dict.get(task.task_id) if dag is not None else None
    if original is None or original is task:  # not run by Airflow's task runner, which renders a copy
        return {}
    arguments: Mapping[str, Any] | None = None
    if hasattr(original, "partial_kwargs"):
        expanded = dict(_expanded_as_written(original, context))
        try:
            original = original.unmap(expanded)
        except Exception:  # noqa: BLE001  # a subclass may read its parameters when it is built
            group = original.task_group
            # Airflow applies default_args to a mapped task only when it builds it.
            defaults = {**original.dag.default_args, **((group.default_args if group is not None else None) or {})}
            arguments = {**defaults, **original.partial_kwargs, **expanded}
    if arguments is None:
        arguments = {name: getattr(original, name) for name in original.template_fields}
    return {name: value for name, value in arguments.items() if value is not None and name in task.template_fields}


def _expanded_as_written(original: Any, context: Context) -> Iterator[tuple[str, Any]]:
    """Yield what this one of several tasks is mapped over: the XComArg that a value comes from, or the literal item."""
    expanded = original.expand_input.value
    for name, item in original.expand_input.resolve(context)[0].items():
        if isinstance(expanded, Mapping):
            source = expanded[name]
        else:  # dicts, from upstream or from a list
            source = expanded if _is_reference(expanded) else expanded[context["ti"].map_index]
        yield name, source if _is_reference(source) else item


def _problems(
    task: BaseOperator, name: str, written: Any, context: Context, optional_texts: Collection[str], *, whole: bool
) -> Iterator[str]:
    """
    Yield what resolved to nothing in an argument; warn about parts of a text that may be missing.

    :param whole: look at the value as a whole, not at what is inside it.
    """
    value = getattr(task, name)
    is_file = _is_file(task, written)
    may_be_blank = name in optional_texts and isinstance(written, str) and not is_file
    if _is_literal(written) and not is_file and _is_blank(value):
        yield _blank_literal(type(task), name)
    whole = is_file or (whole and not _is_literal(written))
    for part_name, source, part in [(name, written, value)] if whole else _resolved_parts(name, written, value):
        if _is_blank(part) and may_be_blank:
            task.log.info("%s: its template rendered blank, so it counts as not given", part_name)
        elif _is_empty(part):
            yield f"{part_name}: it resolved to {excerpt(part, 60)}. {_advice(source, may_be_blank)}"
        elif isinstance(source, str) and not is_file:
            for expression in _missing_expressions(task, source, context):
                shown = printable(expression, 200)
                task.log.warning("%s: %s resolved to nothing in %s", part_name, shown, excerpt(part, 200))


def _missing_expressions(task: BaseOperator, template: str, context: Context) -> Iterator[str]:
    """Yield the expressions that render as ``None`` or the like within a longer text; a blank one is intended."""
    if "{%" in template or re.sub(_EXPRESSION, "", template).strip() == "":
        return
    for expression in re.findall(_EXPRESSION, template):
        text = str(task.render_template(expression, context))
        if _is_empty(text) and not _is_blank(text):
            yield expression


def _resolved_parts(name: str, written: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, source and value of each value that was not a literal: the argument, or values inside it."""
    if isinstance(written, Mapping) and isinstance(value, Mapping):
        for key, item in written.items():
            yield from _resolved_parts(f"{name}[{key!r}]", item, value.get(key))
    elif isinstance(written, (list, tuple)) and isinstance(value, (list, tuple)) and len(written) == len(value):
        for index, item in enumerate(written):
            yield from _resolved_parts(f"{name}[{index}]", item, value[index])
    elif not _is_literal(written):
        yield name, written, value
        yield from _nones_inside(name, written, value)


def _nones_inside(name: str, written: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if item is None:
            yield f"{name}[{key!r}]", written, item
        yield from _nones_inside(f"{name}[{key!r}]", written, item)


def _advice(source: Any, may_be_blank: bool) -> str:
    """Say where an empty value comes from, and what to do."""
    if isinstance(source, str):
        optional = "If it may be absent, write {{ … or '' }}." if may_be_blank else _TWO_TASKS
        return f"Check what its template reads: {printable(source, 200)}. {optional}"
    if not hasattr(source, "iter_references") or not (references := list(source.iter_references())):
        return f"Check what the Dag gives it (a Dag param, an argument of a task group, a callable). {_TWO_TASKS}"
    upstream = dict.fromkeys(
        f"task {operator.task_id!r}" + ("" if key == "return_value" else f" (key {key!r})")
        for operator, key in references
    )
    return (
        f"It comes from {' and '.join(upstream)}: did that fail, was it skipped or marked as success by hand, "
        f"or did it return nothing? Clear it, so that it returns a value. {_TWO_TASKS}"
    )


def _renders_native(task: BaseOperator) -> bool:
    own: bool | None = getattr(task, "render_template_as_native_obj", None)  # of the task itself: Airflow 3.3 and later
    dag = task.get_dag()
    return bool(dag is not None and dag.render_template_as_native_obj) if own is None else own


def _without_native_types(task: BaseOperator, written: Any, value: Any, context: Context) -> Any:
    """
    Return an argument as text where native rendering made numbers, tuples and unquoted text of it.

    All arguments take numbers and flags as text. Only dicts and lists are meant to be native.
    """
    if isinstance(written, str):
        if _is_literal(written) and not _is_file(task, written):
            return written
        dag = task.get_dag()
        if dag is None or isinstance(value, (dict, list)):
            return value
        environment = dag.get_template_env(force_sandboxed=True)
        found = environment.get_template(written) if _is_file(task, written) else environment.from_string(written)
        return found.render(**context)
    if isinstance(written, (Mapping, list, tuple)):
        return _with_literals_as_written(written, value)
    # An int may come from a text that was rendered elsewhere. A float cannot be restored; it is refused as text.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _with_literals_as_written(written: Any, value: Any) -> Any:
    """Return a dict or a list with its literal texts as they were written, and the rest as it was rendered."""
    if isinstance(written, Mapping) and isinstance(value, Mapping):
        return {key: _with_literals_as_written(written.get(key), item) for key, item in value.items()}
    if isinstance(written, (list, tuple)) and isinstance(value, (list, tuple)) and len(written) == len(value):
        parts = map(_with_literals_as_written, written, value)
        return list(parts) if isinstance(value, list) else tuple(parts)
    return written if isinstance(written, str) and _is_literal(written) else value


def _is_literal(value: Any) -> bool:
    """Return whether a value is known when the Dag is parsed: it holds no XComArg and no template."""
    if isinstance(value, str):
        return not any(mark in value for mark in _JINJA_MARKS)
    if isinstance(value, (Mapping, list, tuple, set)):
        return all(map(_is_literal, value.values() if isinstance(value, Mapping) else value))
    return not (_is_reference(value) or callable(value))  # Airflow renders a callable by calling it


def _is_reference(value: Any) -> bool:
    """Return whether Airflow resolves the value when the task runs, as it does an XComArg."""
    return hasattr(value, "resolve") and hasattr(value, "iter_references")


def _is_file(task: BaseOperator | type[BaseOperator], value: Any) -> bool:
    """Return whether the value names a file that Airflow reads in its place."""
    return isinstance(value, str) and bool(task.template_ext) and value.endswith(tuple(task.template_ext))


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(_MISSING, value) is not None
    return value is None or (isinstance(value, (Sequence, Mapping)) and len(value) == 0)
