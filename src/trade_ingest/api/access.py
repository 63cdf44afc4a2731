"""What a caller may do: scopes, and the scope that each route asks for."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

View = TypeVar("View", bound=Callable[..., object])

SCOPE_ATTRIBUTE: Final = "required_scope"


class Scope(StrEnum):
    """Rights, each of which includes those before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether who has this scope may do what asks for `other`."""
        order = tuple(Scope)
        return order.index(self) >= order.index(other)


def needs(scope: Scope) -> Callable[[View], View]:
    """Mark a view function with the scope that a caller must have; the outermost decorator but the route's.

    A view without a mark answers nobody but where `public` says so: what was forgotten is closed.
    """

    def mark(view: View) -> View:
        setattr(view, SCOPE_ATTRIBUTE, scope)
        return view

    return mark


def public(view: View) -> View:
    """Mark a view function as open to everybody: health, static files, the making of a session."""
    setattr(view, SCOPE_ATTRIBUTE, None)
    return view


def required_scope(view: Callable[..., object]) -> Scope | None:
    """Give the scope that a view asks for; None for a public one.

    Raises:
        LookupError: The view has no mark.
    """
    try:
        scope: Scope | None = getattr(view, SCOPE_ATTRIBUTE)
    except AttributeError:
        raise LookupError(
            f"{getattr(view, '__name__', view)!r} says no scope: decorate it with needs() or public()"
        ) from None
    return scope
