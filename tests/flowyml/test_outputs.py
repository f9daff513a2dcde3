"""A step's output, or an input of a run, that holds a secret fails the run before anything of it is kept."""

from __future__ import annotations

import base64
import importlib
from typing import Any

import pytest
from typing_extensions import Self

import tacenda
from tacenda.errors import SecretLeak
from tacenda.masking import allow_leak

pytestmark = [pytest.mark.flowyml, pytest.mark.usefixtures("dev")]

KEY = "dev-example-key"


class Holder:
    """An object of the user's own."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def copy(self) -> Self:
        return type(self)(self.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: value,
        lambda value: tacenda.get("API_KEY"),
        lambda value: {"url": f"https://u:{value}@db"},
        lambda value: [[value.encode()]],
        lambda value: Holder({value}),
        lambda value: base64.b64encode(f"user:{value}".encode()),
    ],
    ids=["text", "Secret", "dict", "bytes", "object", "base64"],
)
def test_leak(run, wrap, key, kept):
    """A step that returns a secret, in whatever, fails with SecretLeak before anything of it is kept."""

    def token() -> Any:
        return wrap(key())

    result = run(token)
    assert not result.success
    error = result.step_results["token"].error
    assert "output 'token' of step 'token' holds the value of 'local://dev.json#API_KEY'" in error
    assert KEY not in error
    assert kept() == []


def test_which_output(flowyml, run, key):
    """Of several outputs the one that leaks is named, by position or by key."""

    def pair() -> tuple[int, str]:
        return 1, key()

    def named() -> dict[str, Any]:
        return {"fine": 1, "token": key()}

    by_position = flowyml.step(outputs=["fine", "secret"], register=False)(pair)
    by_key = flowyml.step(outputs=["fine", "token"], register=False)(named)
    assert "output 'secret' of step 'pair'" in run(by_position).step_results["pair"].error
    assert "output 'token' of step 'named'" in run(by_key).step_results["named"].error


def test_allow_leak(flowyml, run, key, kept):
    """`allow_leak` exempts one output, which FlowyML then keeps; another one is still refused."""

    @allow_leak("token")
    def pair() -> tuple[str, str]:
        return key(), "fine"

    @allow_leak("token")
    def other() -> tuple[str, str]:
        return "fine", key()

    result = run(flowyml.step(outputs=["token", "more"], register=False)(pair))
    assert (result.success, result.outputs["token"]) == (True, KEY)
    assert kept()
    result = run(flowyml.step(outputs=["token", "more"], register=False)(other))
    assert "output 'more' of step 'other'" in result.step_results["other"].error


def test_leak_is_not_tried_again(flowyml, run, monkeypatch, key):
    """A step with retries that leaks does its work once."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    calls = []

    def token() -> str:
        calls.append(1)
        return key()

    result = run(flowyml.step(outputs=["token"], retry=3, register=False)(token))
    assert not result.success
    assert len(calls) == 1


def test_leak_in_an_if(flowyml, key, kept):
    """A leak in a step of an `If` fails the run, though FlowyML would call it a success."""

    def start() -> int:
        return 1

    pipeline = flowyml.Pipeline("training")
    pipeline.add_step(flowyml.step(outputs=["start"], register=False)(start))
    pipeline.add_control_flow(flowyml.If(condition=lambda _: True, then_step=key))
    with pytest.raises(SecretLeak, match="step 'key'"):
        pipeline.run(auto_start_ui=False)
    assert kept() == []


def test_leak_in_a_sub_pipeline(flowyml, run, key):
    """A leak in a sub-pipeline fails the step that it is, and so the run; FlowyML would go on."""
    inner = flowyml.Pipeline("inner")
    inner.add_step(flowyml.step(outputs=["token"], register=False)(key))
    result = run(flowyml.sub_pipeline(inner, outputs=["token"]))
    assert not result.success
    assert "output 'token' of step 'key'" in next(iter(result.step_results.values())).error


def test_failed_pipeline_that_a_step_handles(flowyml, run, key):
    """A step that runs a pipeline and looks at its result decides itself what that failure means."""

    def outer() -> bool:
        return bool(run(key, name="inner").success)

    result = run(outer)
    assert (result.success, result.outputs["outer"]) == (True, False)


def test_leak_in_a_dynamic_step(flowyml, key):
    """What a dynamic step returns instead of a pipeline is searched too."""
    pipeline = flowyml.Pipeline("training")
    pipeline.add_step(flowyml.dynamic(outputs=["found"])(lambda _: {"token": key()}))
    with pytest.raises(SecretLeak, match="output 'found'"):
        pipeline.run(auto_start_ui=False)


@pytest.mark.parametrize("where", ["inputs", "context_of_run", "context"])
def test_leak_in_what_a_run_is_given(flowyml, run, where, key, kept):
    """Inputs and context are persisted as well: a run that is given a secret does not start."""
    given = {"token": key()}
    with pytest.raises(SecretLeak, match="the context or the inputs of pipeline 'training'"):
        run(len, **{where: flowyml.context(**given) if where == "context" else given})
    assert kept() == []


def test_what_holds_no_secret(run, key):
    """Outputs that hold none are kept as ever, and arrive unchanged in the next step."""

    def first() -> dict[str, int]:
        return {"length": len(key())}

    def second(first: dict[str, int]) -> int:
        return first["length"]

    flowyml = importlib.import_module("flowyml")
    steps = [
        flowyml.step(outputs=["first"], register=False)(first),
        flowyml.step(inputs=["first"], outputs=["second"], register=False)(second),
    ]
    assert run(*steps).outputs["second"] == len(KEY)
