"""Forms of cards: the checks of a form that an author sends, and of what a reader has filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import UNSET

from talkwire.core.domain.cards.card import (
    CARD_LABEL_MAX_LENGTH,
    CARD_TEXT_MAX_LENGTH,
    INPUT_CHOICES_MAX,
    INPUT_FIELDS_MAX,
    INPUT_TEXT_MAX_LENGTH,
    CardInput,
    InputProperty,
    InputSchema,
    InputValue,
)
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import SAFE_INTEGER_MAX
from talkwire.core.domain.texts import check_line, check_short_text, check_text

_OF_TEXTS = ("min_length", "max_length", "enum", "one_of")
_OF_NUMBERS = ("minimum", "maximum")
_NAMES = {"min_length": "minLength", "max_length": "maxLength", "one_of": "oneOf"}


def check_form(path: str, given: CardInput) -> None:
    """Raises `invalid_request` for a form that is not valid, or whose first values are not."""
    form = given.form
    if not 1 <= len(form.properties) <= INPUT_FIELDS_MAX:
        raise invalid(f"{path}.schema.properties", f"must have 1 to {INPUT_FIELDS_MAX} members")
    for name, field in form.properties.items():
        check_line(f"{path}.schema.properties", name, CARD_LABEL_MAX_LENGTH)
        _check_property(f"{path}.schema.properties.{name}", field)
    if form.required is not UNSET:
        if len(set(form.required)) < len(form.required):
            raise invalid(f"{path}.schema.required", "must not name a field twice")
        if unknown := [name for name in form.required if name not in form.properties]:
            check_text(f"{path}.schema.required", unknown[0])
            raise invalid(f"{path}.schema.required", "must name fields of the form only")
    if given.values is not UNSET:
        _check_values(f"{path}.values", form, given.values)


def check_filled_in(path: str, form: InputSchema, values: Mapping[str, InputValue]) -> None:
    """Raises `invalid_request` unless `values` fill in a form: each of its type and within its bounds, all that are
    required, and no others."""
    for name in () if form.required is UNSET else form.required:
        if name not in values:
            raise invalid(f"{path}.{name}", "is missing")
    _check_values(path, form, values)


def _check_values(path: str, form: InputSchema, values: Mapping[str, InputValue]) -> None:
    for name, value in values.items():
        field = form.properties.get(name)
        if field is None:
            check_text(path, name)
            raise invalid(path, f"must have fields of the form only: {', '.join(form.properties)}")
        _check_value(f"{path}.{name}", field, value)


def _check_property(path: str, field: InputProperty) -> None:
    is_text, is_number = field.type == "string", field.type in {"number", "integer"}
    for name in (*(() if is_text else _OF_TEXTS), *(() if is_number else _OF_NUMBERS)):
        if getattr(field, name) is not UNSET:
            raise invalid(f"{path}.{_NAMES.get(name, name)}", f"is not possible for the type {field.type}")
    if field.title is not UNSET:
        check_line(f"{path}.title", field.title, CARD_LABEL_MAX_LENGTH)
    if field.description is not UNSET:
        check_short_text(f"{path}.description", field.description, CARD_TEXT_MAX_LENGTH)
    if is_text:
        _check_text_property(path, field)
    for name in _OF_NUMBERS:
        bound = getattr(field, name)
        if bound is not UNSET:
            _check_number(f"{path}.{name}", bound)
    if field.minimum is not UNSET and field.maximum is not UNSET and field.minimum > field.maximum:
        raise invalid(f"{path}.minimum", "must be at most the maximum")
    if field.default is not UNSET:
        _check_value(f"{path}.default", field, field.default)


def _check_text_property(path: str, field: InputProperty) -> None:
    for name, bound in (("minLength", field.min_length), ("maxLength", field.max_length)):
        if bound is not UNSET and not 0 <= bound <= INPUT_TEXT_MAX_LENGTH:
            raise invalid(f"{path}.{name}", f"must be between 0 and {INPUT_TEXT_MAX_LENGTH}")
    if field.min_length is not UNSET and field.max_length is not UNSET and field.min_length > field.max_length:
        raise invalid(f"{path}.minLength", "must be at most maxLength")
    if field.enum is not UNSET and field.one_of is not UNSET:
        raise invalid(f"{path}.oneOf", "cannot be set together with enum")
    options = list(_options(field))
    if field.enum is not UNSET or field.one_of is not UNSET:
        path = f"{path}.{'enum' if field.one_of is UNSET else 'oneOf'}"
        if not 1 <= len(options) <= INPUT_CHOICES_MAX:
            raise invalid(path, f"must have 1 to {INPUT_CHOICES_MAX} items")
        if len(set(options)) < len(options):
            raise invalid(path, "must not have a value twice")
        for value in options:
            check_line(path, value, CARD_LABEL_MAX_LENGTH)
    for option in () if field.one_of is UNSET else field.one_of:
        check_line(path, option.title, CARD_LABEL_MAX_LENGTH)


def _options(field: InputProperty) -> Iterator[str]:
    if field.enum is not UNSET:
        yield from field.enum
    if field.one_of is not UNSET:
        yield from (option.const for option in field.one_of)


def _check_value(path: str, field: InputProperty, value: InputValue) -> None:
    match field.type:
        case "boolean":
            if not isinstance(value, bool):
                raise invalid(path, "must be true or false")
        case "string":
            _check_text_value(path, field, value)
        case _:
            _check_number_value(path, field, value)


def _check_text_value(path: str, field: InputProperty, value: InputValue) -> None:
    if not isinstance(value, str):
        raise invalid(path, "must be a text")
    check_text(path, value)
    options = list(_options(field))
    if options and value not in options:
        raise invalid(path, f"must be one of: {', '.join(options)}")
    least = 0 if field.min_length is UNSET else field.min_length
    most = INPUT_TEXT_MAX_LENGTH if field.max_length is UNSET else field.max_length
    if not least <= len(value) <= most:
        raise invalid(path, f"must have {least} to {most} characters")


def _check_number_value(path: str, field: InputProperty, value: InputValue) -> None:
    if isinstance(value, bool | str):
        raise invalid(path, "must be a whole number" if field.type == "integer" else "must be a number")
    _check_number(path, value)
    if field.type == "integer" and value != int(value):
        raise invalid(path, "must be a whole number")
    if field.minimum is not UNSET and value < field.minimum:
        raise invalid(path, f"must be at least {field.minimum:g}")
    if field.maximum is not UNSET and value > field.maximum:
        raise invalid(path, f"must be at most {field.maximum:g}")


def _check_number(path: str, value: float) -> None:
    if not abs(value) <= SAFE_INTEGER_MAX:  # false for NaN too
        raise invalid(path, f"must be between -{SAFE_INTEGER_MAX} and {SAFE_INTEGER_MAX}")
