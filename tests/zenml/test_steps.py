"""One real program that takes secrets in its steps in all the documented ways."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.zenml, pytest.mark.slow]

STORED = {
    "db": {"HOST": "db.example", "PORT": 5432, "PASSWORD": "example-password", "values": "example-odd", "name": "n"},
    "token": "example-token",
}

PROGRAM = '''
import asyncio, json, typing
from zenml import get_step_context, pipeline
from zenml.client import Client
from zenml.steps import step, StepContext, BaseStep

ANSWERS = {}

def attempt(action):
    try:
        return action()
    except Exception as error:
        return [type(error).__name__, isinstance(error, KeyError), str(error)]

@step
def secret_loader(
    context: StepContext,
) -> None:
    """Load the example secret from the secret manager."""
    # Load Secret from active secret manager. This will fail if no secret
    # manager is active or if that secret does not exist.
    retrieved_secret = context.stack.secrets_manager.get_secret("db")
    # retrieved_secret.content will contain a dictionary with all Key-Value
    # pairs within your secret.
    content = retrieved_secret.content
    ANSWERS["content"] = isinstance(content, dict) and dict(content) == STORED["db"]
    ANSWERS["name"] = retrieved_secret.name
    ANSWERS["attributes"] = [retrieved_secret.PASSWORD, retrieved_secret.PORT, retrieved_secret.values]
    ANSWERS["repr"] = repr(retrieved_secret) + repr(content)
    ANSWERS["text"] = dict(context.stack.secrets_manager.get_secret("token").content)
    ANSWERS["missing"] = attempt(lambda: context.stack.secrets_manager.get_secret("nothing"))
    ANSWERS["missing key"] = attempt(lambda: content["nothing"])
    ANSWERS["missing attribute"] = attempt(lambda: retrieved_secret.nothing)
    ANSWERS["names"] = sorted(context.stack.secrets_manager.get_all_secret_keys())
    ANSWERS["write"] = attempt(lambda: context.stack.secrets_manager.delete_secret("db"))
    ANSWERS["of step"] = get_step_context().stack.secrets_manager.get_secret("db").content["PASSWORD"]
    ANSWERS["of client"] = Client().active_stack.secrets_manager.get_secret("db").content["PASSWORD"]
    ANSWERS["same stack"] = context.stack.name == Client().active_stack.name
    ANSWERS["same context"] = context is get_step_context()
    import tacenda
    ANSWERS["tacenda"] = tacenda.get("db", "PASSWORD")

@step
def number() -> int:
    return 2

@step
def first(of_this: StepContext, a: int, b: int = 3) -> int:
    """The context comes first, and is no argument of a call."""
    ANSWERS.setdefault("first", []).append([of_this.step_name, a, b])
    return a * b

@step
def quoted(a: int, context: "typing.Optional[StepContext]" = None) -> int:
    ANSWERS["quoted"] = [context.step_name, a]
    return a

@step
async def later(a: int, context: StepContext) -> int:
    await asyncio.sleep(0)
    ANSWERS["async"] = context.stack.secrets_manager.get_secret("db").PASSWORD
    return a

class AsClass(BaseStep):
    def entrypoint(self, context: StepContext, a: int) -> int:
        ANSWERS["class"] = [context.step_name, a]
        return a

@step
def nested(context: StepContext) -> int:
    return first(4) + first(5, of_this=context)

@step(enable_cache=True)
def cached(context: StepContext) -> None:
    ANSWERS["cached ran"] = ANSWERS.get("cached ran", 0) + 1

@step
def uncached(context: StepContext) -> None:
    ANSWERS["uncached ran"] = ANSWERS.get("uncached ran", 0) + 1

@step
def configured(context: StepContext) -> None:
    ANSWERS["configured ran"] = ANSWERS.get("configured ran", 0) + 1

@step
def plain() -> None:
    ANSWERS["plain ran"] = ANSWERS.get("plain ran", 0) + 1

@pipeline(enable_cache=True)
def all_ways() -> None:
    secret_loader()
    two = number()
    first(two)
    first(two, 7)
    quoted(a=two)
    later(a=two)
    AsClass()(two)
    nested()

@pipeline
def again() -> None:
    cached()
    uncached()
    configured.with_options(enable_cache=True)()
    plain()

@pipeline(dynamic=True)
def dynamic() -> None:
    import tacenda
    ANSWERS["in dynamic pipeline"] = tacenda.get("db", "PASSWORD")
    two = number()
    futures = [first.submit(two, b) for b in (8, 9)]
    [future.wait() for future in futures]
    first(two.load(), 10)

if __name__ == "__main__":
    STORED = json.load(open(".secrets.json"))
    all_ways()
    again()
    again()
    dynamic()
    direct = lambda of_this, a: first.entrypoint(of_this, a)
    class Fake: step_name = "fake"
    ANSWERS["in a test"] = first.entrypoint(Fake, 1)
    single = first(6)
    ANSWERS["single"] = ANSWERS["first"][-1], single
    json.dump(ANSWERS, open("answers.json", "w"))
'''


@pytest.fixture(scope="module")
def answers(new_home):
    home = new_home(__secrets__json=STORED)
    done = home.python(PROGRAM, TACENDA_STACK="dev")
    assert done.returncode == 0, done.stdout
    assert "example-" not in done.stdout
    return home.answers()


def test_documented_step(answers):
    """The page's step runs verbatim (S3.1, S3.5, S3.36, S3.38, S3.39, S3.40); content is a dict (S3.26, S3.43)."""
    assert answers["content"] is True
    assert answers["name"] == "db"
    assert answers["attributes"] == ["example-password", 5432, "example-odd"]  # S3.44


def test_masked_repr(answers):
    """Neither the secret nor its content shows a value."""
    assert "example-" not in answers["repr"]
    assert "[masked] keys=['HOST', 'PASSWORD', 'PORT', 'name', 'values']" in answers["repr"]


def test_text(answers):
    """A text secret is one pair, `value`."""
    assert answers["text"] == {"value": "example-token"}


def test_missing(answers):
    """A missing secret or key is a KeyError, a missing attribute an AttributeError; each says what there is (S3.42)."""
    kind, is_key_error, message = answers["missing"]
    assert (kind, is_key_error) == ("SecretNotFound", True)
    assert "there is no secret 'nothing' in stack 'dev'" in message
    assert "tried: local://.secrets.json#nothing" in message
    kind, is_key_error, message = answers["missing key"]
    assert is_key_error
    assert "HOST, PASSWORD" in message
    assert answers["missing attribute"][0] == "AttributeError"
    assert "'PASSWORD'" in answers["missing attribute"][2]


def test_names(answers):
    """The old manager's list of names."""
    assert answers["names"] == ["db", "token"]


def test_read_only(answers):
    """Writing is not in this release, and says what is."""
    kind, _, message = answers["write"]
    assert kind == "Unsupported"
    assert "tacenda rm NAME" in message


def test_every_way_to_the_manager(answers):
    """Through the step context and the client there is the same secret, and tacenda.get() agrees."""
    assert {answers[way] for way in ("of step", "of client", "tacenda", "async")} == {"example-password"}
    assert answers["same stack"] is True
    assert answers["same context"] is True
    assert answers["in dynamic pipeline"] == "example-password"


def test_beside_inputs(answers):
    """The context may have any name and place, in quotes too; it is no input, so positional arguments pass it by."""
    called = sorted(inputs for _, *inputs in answers["first"])
    assert called == [[1, 3], [2, 3], [2, 7], [2, 8], [2, 9], [2, 10], [4, 3], [5, 3], [6, 3]]
    assert ["nested", 5, 3] in answers["first"]  # called by another step, which hands its own context on
    assert answers["quoted"] == ["quoted", 2]
    assert answers["class"] == ["AsClass", 2]
    assert answers["single"] == [["first", 6, 3], 18]


def test_function_of_a_step_in_a_test(answers):
    """The user's function is what it was: a unit test calls it with a context of its own."""
    assert answers["in a test"] == 3


def test_caching(answers):
    """A step that takes the context is not cached, unless somebody says so; other steps are (S3.37)."""
    assert answers["uncached ran"] == 2
    assert answers["cached ran"] == answers["configured ran"] == answers["plain ran"] == 1
