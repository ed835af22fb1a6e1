"""The tree of errors is the one that its docstring draws."""

import re

import core.domain.errors as errors
from core.domain.errors import Rejected, TrueupError


def drawn() -> dict[str, str]:
    """Each name in the drawing with the name it hangs from."""
    parents, found = ["TrueupError"], {}
    for line in (errors.__doc__ or "").splitlines():
        if branch := re.match(r"([│ ]*)[├└]── (\w+)", line):
            depth = len(branch[1]) // 4 + 1
            parents[depth:] = [branch[2]]
            found[branch[2]] = parents[depth - 1]
    return found


def test_the_drawing_shows_every_error_where_it_is() -> None:
    defined = {
        name: value.__base__.__name__
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, TrueupError) and value is not TrueupError
    }

    assert drawn() == defined


def test_an_error_says_what_happened_and_what_to_type_next() -> None:
    error = TrueupError("nothing is staged", hint="trueup stage", details=["a", "b"])

    assert str(error) == error.message == "nothing is staged"
    assert (error.hint, error.details) == ("trueup stage", ("a", "b"))
    assert (TrueupError("x").hint, TrueupError("x").details) == (None, ())


def test_a_rejection_keeps_the_venue_s_code() -> None:
    error = Rejected("110007", "not enough balance")

    assert (error.code, error.text) == ("110007", "not enough balance")
    assert error.message == "110007: not enough balance"
