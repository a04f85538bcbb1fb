"""
What a user gave a task: an argument that came up empty is an error, never "not given".

Airflow renders the templates of a copy of the task, so the task that the Dag holds still has its arguments as they were
written. An argument is *given* if an XComArg or a template was written, or any literal but ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.compat import built_for_one_of_several
from airflow_provider_suno.exceptions import SunoValidationError

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

_MARKS = ("{{", "{%", "{#")
_OF_NOTHING = re.compile(r"[\s\[\](){},:;'\"-]*(?:\b(?:None|null|undefined|nan|NaN)\b[\s\[\](){},:;'\"-]*)*")
"""A text that tells nothing: what programs make of missing values, alone or in a list."""
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LATER = "{{ later }}"
"""Stands for a value that is not known when the Dag is parsed."""

_TWO_TASKS = 'To leave the argument out, use two tasks and a branch (see "Given means given" in the README).'


@dataclass(frozen=True)
class _Written:
    """
    An argument as it stands in the Dag.

    :param name: what the user calls it.
    :param value: a literal, a template or an XComArg.
    """

    name: str
    value: Any


def check_arguments(task: BaseOperator, context: Context, *, optional_texts: Collection[str] = ()) -> None:
    """
    Refuse arguments that were given and came up empty; let text be text in a Dag that renders native Python objects.

    :param task: the task that runs, its templates rendered.
    :param context: the context of the try.
    :param optional_texts: arguments that a template may leave blank, as in ``{{ params.style or '' }}``: they count as
        not given then.
    :raises SunoValidationError: names each such argument, and the upstream value that is missing.
    """
    refuse_empty(empty_arguments(task, context, optional_texts=optional_texts))


def refuse_non_flags(values: Mapping[str, Any], names: Collection[str]) -> None:
    """
    Refuse what is no flag: these arguments are no templates, and the text ``"False"`` would count as true.

    :param values: the arguments by name.
    :param names: those that are flags.
    :raises SunoValidationError: names the first that is none.
    """
    for name in names:
        if not isinstance(value := values.get(name), (int, type(None))):
            raise SunoValidationError(f"{name}: must be True or False (no template, no text), got {excerpt(value)}.")


def refuse_empty(problems: Mapping[str, str]) -> None:
    """
    Refuse what :func:`empty_arguments` has found, if anything.

    :raises SunoValidationError: lists it.
    """
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems.values())
        raise SunoValidationError(f"Nothing is sent, nothing is charged: an argument was given but is empty.{listed}")


def empty_arguments(task: BaseOperator, context: Context, *, optional_texts: Collection[str] = ()) -> dict[str, str]:
    """
    Return what is wrong with arguments that were given and came up empty, by name.

    Lets text be text in a Dag that renders native Python objects, and warns where a part of a text may be missing.

    :param task: the task that runs, its templates rendered.
    :param context: the context of the try.
    :param optional_texts: arguments that a template may leave blank.
    """
    native = _renders_native(task)
    problems: dict[str, str] = {}
    for written in _arguments(task, context):
        if native:
            _restore_text(task, written, context)
        if found := list(_problems(task, written, context, optional_texts)):
            problems[written.name] = "\n  ".join(found)
    return problems


def _problems(
    task: BaseOperator, written: _Written, context: Context, optional_texts: Collection[str]
) -> Iterator[str]:
    """Say what is empty of an argument, and warn of what may be."""
    value = getattr(task, written.name)
    is_file = _is_file(task, written.value)
    may_be_blank = written.name in optional_texts and isinstance(written.value, str) and not is_file
    if _is_literal(written.value) and not is_file and _is_blank(value):
        yield f"{written.name}: {_blank(type(task), written.name)}"
    parts = [(written.name, written.value, value)] if is_file else _unknown_parts(written.name, written.value, value)
    for name, source, part in parts:
        if _is_blank(part) and may_be_blank:
            task.log.info("%s: its template came up blank, so it counts as not given", name)
        elif _is_empty(part):
            yield f"{name}: it came up as {excerpt(part, 60)}. {_way_on(source, may_be_blank)}"
        elif isinstance(source, str) and not is_file:
            for expression in _empty_expressions(task, source, context):
                task.log.warning("%s: %s came up empty in %s", name, printable(expression, 200), excerpt(part, 200))


def _empty_expressions(task: BaseOperator, template: str, context: Context) -> Iterator[str]:
    """Return the expressions of a template of several parts that come up as ``None`` and the like; a blank is meant."""
    expressions = _EXPRESSION.findall(template)
    if "{%" in template or _EXPRESSION.sub("", template).strip() == "":
        return
    for expression in expressions:
        text = str(task.render_template(expression, context))
        if _is_empty(text) and not _is_blank(text):
            yield expression


def refuse_wrong_literals(task: Any) -> None:
    """
    Refuse what is wrong in a Dag file when it is parsed, rather than when the task runs.

    Not checked: a class of the user's with an ``__init__`` of its own, which may set arguments later, and each task of
    a mapped one, whose literals were checked when the Dag was parsed.

    :param task: the task, a ``MappableOperator`` whose arguments are set.
    :raises SunoValidationError: as the task would when it runs.
    """
    if _is_ours(type(task).__init__) and not built_for_one_of_several(task):
        names = (*task.template_fields, *task.also_checked)
        _check_literals(type(task), {name: getattr(task, name) for name in names})


def refuse_wrong_literals_of_mapped(
    operator: Any, given: Mapping[str, Any], expanded: Any, defaults: Mapping[str, Any]
) -> None:
    """
    Refuse what is wrong in the arguments of a mapped task when its Dag is parsed.

    :param operator: the class that is mapped, a ``MappableOperator``. One whose ``__init__`` is not this provider's is
        not checked: it may set arguments by itself.
    :param given: what ``partial`` was given.
    :param expanded: what ``expand`` was given, by name; or what ``expand_kwargs`` was given.
    :param defaults: the ``default_args`` that Airflow adds when it builds each task.
    :raises SunoValidationError: as the task would when it runs.
    """
    if not _is_ours(operator.__init__):
        return
    names = (*operator.template_fields, *operator.also_checked)
    for number, item in enumerate(_items(operator, given, expanded)):
        arguments = {**defaults, **given, **item}
        known = {name: arguments[name] for name in names if name in arguments}
        if number:
            known.pop("task_id", None)  # what is warned of is said once
        _check_literals(operator, known)


def _is_ours(init: Any) -> bool:
    return bool(init.__module__.partition(".")[0] == __name__.partition(".")[0])


def _items(operator: Any, given: Mapping[str, Any], expanded: Any) -> Iterator[Mapping[str, Any]]:
    """Return the arguments of each task, as far as they are known: one of them at a time, the others come later."""
    if isinstance(expanded, Mapping):
        later = dict.fromkeys(expanded, _LATER)
        yield later
        for name, values in expanded.items():
            if isinstance(values, (list, tuple)):
                yield from ({**later, name: value} for value in values)
    elif isinstance(expanded, (list, tuple)):
        yield from (item for item in expanded if isinstance(item, Mapping))
    else:
        yield {name: _LATER for name in operator.template_fields if name not in given}


def _check_literals(operator: Any, arguments: Mapping[str, Any]) -> None:
    known = {
        name: value
        for name, value in arguments.items()
        if (_is_literal(value) and not _is_file(operator, value)) or (name in operator.also_checked and value != _LATER)
    }
    for name, value in known.items():
        if name in operator.template_fields and _is_blank(value):
            raise SunoValidationError(f"{name}: {_blank(operator, name)}")
    if known.get("suno_conn_id", "") is None:
        raise SunoValidationError("suno_conn_id: must be the id of a connection, got None.")
    operator.check_literals(known, [name for name in arguments if name not in known])


def _arguments(task: BaseOperator, context: Context) -> Iterator[_Written]:
    """Return each templated argument that the Dag gives to the task."""
    dag = task.get_dag()
    original = dag.task_dict.get(task.task_id) if dag is not None else None
    if original is None or original is task:  # not run by Airflow's task runner: nothing tells what was written
        return
    mapped = hasattr(original, "partial_kwargs")
    for name, value in (_mapped_arguments if mapped else _plain_arguments)(original, context):
        if value is not None and name in task.template_fields:
            yield _Written(name, value)


def _plain_arguments(original: Any, _: Context) -> Iterator[tuple[str, Any]]:
    for name in original.template_fields:
        yield name, getattr(original, name)


def _mapped_arguments(original: Any, context: Context) -> Iterator[tuple[str, Any]]:
    """
    Return the arguments of one of several tasks as they were written.

    The task is built once more, of what was written instead of what came of it: so a subclass may hand its own
    parameters on as ours. One that cannot be built so is known by what ``partial`` and ``expand`` were given.
    """
    expanded = dict(_expanded_arguments(original, context))
    try:
        as_written = original.unmap(expanded)
    except Exception:  # noqa: BLE001  # a subclass may read its parameters when it is built
        group = original.task_group
        # Airflow gives those of default_args to the task only when it is built for one of several.
        defaults = {**original.dag.default_args, **((group.default_args if group is not None else None) or {})}
        yield from {**defaults, **original.partial_kwargs, **expanded}.items()
    else:
        yield from _plain_arguments(as_written, context)


def _expanded_arguments(original: Any, context: Context) -> Iterator[tuple[str, Any]]:
    """Return what this one of several tasks is mapped over: a literal item as it was written, else where it is from."""
    expanded = original.expand_input.value
    for name, item in original.expand_input.resolve(context)[0].items():
        if isinstance(expanded, Mapping):
            source = expanded[name]
        else:  # dicts, made upstream or written as a list
            source = expanded if _is_reference(expanded) else expanded[context["ti"].map_index]
        yield name, source if _is_reference(source) else item


def _blank(operator: Any, name: str) -> str:
    advice = " Leave it out, or give it None, if it is not meant." if operator.may_be_left_out(name) else ""
    return f"must not be empty.{advice}"


def _is_literal(value: Any) -> bool:
    """Return whether a value is known when the Dag is parsed: no XComArg, no template, none inside of it either."""
    if isinstance(value, str):
        return not any(mark in value for mark in _MARKS)
    if isinstance(value, Mapping):
        return all(_is_literal(item) for item in value.values())
    if isinstance(value, (list, tuple, set)):
        return all(_is_literal(item) for item in value)
    return not (_is_reference(value) or callable(value))  # Airflow renders a callable by calling it


def _is_reference(value: Any) -> bool:
    """Return whether it is an XComArg, or another value that Airflow resolves when the task runs."""
    return hasattr(value, "resolve") and hasattr(value, "iter_references")


def _is_file(task: BaseOperator | type[BaseOperator], value: Any) -> bool:
    """Return whether it names a file whose content Airflow puts in its place."""
    return isinstance(value, str) and bool(task.template_ext) and value.endswith(tuple(task.template_ext))


def _renders_native(task: BaseOperator) -> bool:
    own: bool | None = getattr(task, "render_template_as_native_obj", None)  # of the task itself: Airflow 3.3 and later
    dag = task.get_dag()
    return bool(dag is not None and dag.render_template_as_native_obj) if own is None else own


def _restore_text(task: BaseOperator, written: _Written, context: Context) -> None:
    """
    Render a template once more, as text: native rendering has read numbers, tuples and quoted text out of it.

    Numbers and flags may come as text in all arguments. Only a dict or a list is ever meant to be native.
    """
    value = getattr(task, written.name)
    if isinstance(written.value, str):
        if _is_literal(written.value) and not _is_file(task, written.value):
            setattr(task, written.name, written.value)
        elif not isinstance(value, (dict, list)):
            setattr(task, written.name, _rendered_as_text(task, written.value, context))
    elif isinstance(written.value, (Mapping, list, tuple)):
        setattr(task, written.name, _with_literals_as_written(written.value, value))
    elif isinstance(value, int) and not isinstance(value, bool):
        # Native rendering may have read it out of a text elsewhere. A float cannot be restored, and is refused as text.
        setattr(task, written.name, str(value))


def _with_literals_as_written(written: Any, value: Any) -> Any:
    """Return a dict or a list whose literal texts are as they were written; what templates came up with stays."""
    if isinstance(written, Mapping) and isinstance(value, Mapping):
        return {key: _with_literals_as_written(written.get(key), item) for key, item in value.items()}
    if isinstance(written, (list, tuple)) and isinstance(value, (list, tuple)) and len(written) == len(value):
        parts = map(_with_literals_as_written, written, value)
        return list(parts) if isinstance(value, list) else tuple(parts)
    return written if isinstance(written, str) and _is_literal(written) else value


def _rendered_as_text(task: BaseOperator, template: str, context: Context) -> str:
    dag = task.get_dag()
    assert dag is not None, "its Dag says that it renders native objects"  # noqa: S101
    environment = dag.get_template_env(force_sandboxed=True)
    found = environment.get_template(template) if _is_file(task, template) else environment.from_string(template)
    return found.render(**context)


def _unknown_parts(name: str, written: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Return what was not known when the Dag was parsed, by name: the argument itself, or the values inside of it."""
    if isinstance(written, Mapping) and isinstance(value, Mapping):
        for key, item in written.items():
            yield from _unknown_parts(f"{name}[{key!r}]", item, value.get(key))
    elif isinstance(written, (list, tuple)) and isinstance(value, (list, tuple)) and len(written) == len(value):
        for index, item in enumerate(written):
            yield from _unknown_parts(f"{name}[{index}]", item, value[index])
    elif not _is_literal(written):
        yield name, written, value
        yield from _empty_parts(name, written, value)


def _empty_parts(name: str, written: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Return what is ``None`` inside of a dict or a list that comes from upstream."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if item is None:
            yield f"{name}[{key!r}]", written, item
        yield from _empty_parts(f"{name}[{key!r}]", written, item)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return _OF_NOTHING.fullmatch(value) is not None
    return value is None or (isinstance(value, (Sequence, Mapping)) and len(value) == 0)


def _way_on(source: Any, may_be_blank: bool) -> str:
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
