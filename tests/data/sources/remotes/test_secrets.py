"""What the environment fills in is hidden again wherever it could be seen."""

from __future__ import annotations

import pytest

from components.errors import TryAgainError, UserError
from components.settings.secrets import HiddenError, guarded, redact, resolve


def test_placeholders_are_filled_in_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "first")
    found = resolve({"a": ["${ONE}/x", 3], "b": {"c": "${ONE}"}})
    assert found == {"a": ["first/x", 3], "b": {"c": "first"}}


def test_a_variable_that_is_not_set() -> None:
    with pytest.raises(UserError, match=r"\$\{NOT_SET\}: the environment has no variable NOT_SET"):
        resolve("${NOT_SET}")


@pytest.mark.parametrize("form", ["p@ss w/rd+1", "p%40ss%20w%2Frd%2B1", "p%40ss+w%2Frd%2B1"])
def test_a_filled_in_value_is_hidden_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("ANY_NAME", "p@ss w/rd+1")
    resolve("${ANY_NAME}")
    assert redact(f"<{form}>") == "<***>"


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "PGPASSWORD", "HF_TOKEN", "DB_PWD"],
)
def test_the_usual_variables_are_hidden_unasked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "value-of-the-test")
    assert redact("the value-of-the-test is shown") == "the *** is shown"


def test_other_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    monkeypatch.setenv("OLDPWD", "/the/folder")
    assert redact("true of /the/folder") == "true of /the/folder"


def test_an_address_loses_user_and_password() -> None:
    assert redact("at postgresql://me:pw@host/db and https://host/a@b") == (
        "at postgresql://***@host/db and https://host/a@b"
    )


@pytest.mark.parametrize("kind", [UserError, TryAgainError, ValueError])
def test_whatever_is_raised_is_hidden(monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    monkeypatch.setenv("DB_PASSWORD", "value-of-the-test")
    with pytest.raises(HiddenError if kind is ValueError else kind) as error, guarded():
        raise kind("refused: value-of-the-test")
    assert "value-of-the-test" not in str(error.value)
    assert "refused: ***" in str(error.value)
    assert error.value.__suppress_context__
