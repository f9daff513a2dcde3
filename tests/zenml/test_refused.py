"""What ZenML would store and holds a value is refused: outputs, artifacts, parameters, settings."""

from __future__ import annotations

import pytest
from programs import places_of

pytestmark = [pytest.mark.zenml, pytest.mark.slow]

VALUES = {
    "RETURNED": "example-returned-2",
    "PARAMETER": "example-parameter-5",
    "SAVED": "example-saved-6",
    "DEEP": "example-deep-7",
    "SETTING": "example-setting-8",
    "FILE": "example-file-13",
}
ALLOWED = "example-allowed-12"

PROGRAM = """
import base64, json
from pathlib import Path
from typing import Annotated, Tuple
from zenml import ArtifactConfig, pipeline, save_artifact
from zenml.steps import step, StepContext
from tacenda.masking import allow_leak
import tacenda
from asking import ANSWERS, attempt, secret

@step
def returns(context: StepContext) -> Tuple[Annotated[int, "count"], Annotated[str, "token"]]:
    return 1, "Bearer " + secret("RETURNED")

@pipeline
def returning():
    returns()

@step
def returns_deep(context: StepContext) -> dict:
    return {"rows": [{"encoded": base64.b64encode(secret("DEEP").encode())}]}

@pipeline
def returning_deep():
    returns_deep()

@step
def saves(context: StepContext) -> None:
    save_artifact({"it": secret("SAVED")}, "mine")

@pipeline
def saving():
    saves()

@step
def returns_file(context: StepContext) -> Annotated[Path, "report"]:
    Path("../report.txt").write_text("all about " + secret("FILE"))
    return Path("../report.txt")

@step
def returns_directories(context: StepContext) -> Annotated[list, "reports"]:
    Path("../reports/deep").mkdir(parents=True)
    Path("../reports/deep/report.txt").write_text(secret("FILE"))
    return [1, Path("../reports")]

@step
def returns_harmless() -> Annotated[Path, "harmless"]:
    Path("../harmless").mkdir()
    Path("../harmless/empty").touch()
    return Path("../harmless")

@pipeline
def returning_file():
    returns_file()

@pipeline
def returning_directories():
    returns_directories()

@pipeline
def returning_harmless():
    returns_harmless()

@step
@allow_leak("renewed")
def allows(context: StepContext) -> Annotated[str, "renewed"]:
    return str(tacenda.get("allowed"))

@step
@allow_leak("another")
def allows_another(context: StepContext) -> Annotated[str, ArtifactConfig(name="renewed_too")]:
    return secret("RETURNED")

@pipeline
def allowing():
    allows()

@pipeline
def allowing_another():
    allows_another()

@step
def takes(token: str) -> None:
    pass

@pipeline
def with_step_parameter():
    takes(token=secret("PARAMETER"))

@pipeline
def with_parameter(given: str):
    takes(token="x")

@step(extra={"header": {"Authorization": "Basic " + "x"}})
def plain() -> None:
    pass

@pipeline
def with_setting():
    plain.with_options(extra={"header": secret("SETTING")})()

@pipeline(dynamic=True)
def dynamic_parameter():
    takes(secret("PARAMETER"))

if __name__ == "__main__":
    attempt("returning", returning)
    attempt("returning deep", returning_deep)
    attempt("saving", saving)
    attempt("file", returning_file)
    attempt("directories", returning_directories)
    attempt("harmless file", returning_harmless)
    attempt("allowing", allowing)
    attempt("allowing another", allowing_another)
    attempt("step parameter", with_step_parameter)
    attempt("pipeline parameter", lambda: with_parameter(given=secret("PARAMETER")))
    attempt("setting", with_setting)
    attempt("dynamic", dynamic_parameter)
    json.dump(ANSWERS, open("answers.json", "w"))
"""


@pytest.fixture(scope="module")
def refused(new_home):
    home = new_home(__secrets__json={"s": VALUES, "allowed": ALLOWED})
    done = home.python(PROGRAM, TACENDA_STACK="dev")
    assert done.returncode == 0, done.stdout
    home.output = done.stdout
    return home


@pytest.mark.parametrize(
    ("attempt", "what", "key"),
    [
        ("returning", "output 'token' of step 'returns'", "RETURNED"),
        ("returning deep", "output 'output' of step 'returns_deep'", "DEEP"),
        ("saving", "artifact 'mine'", "SAVED"),
        ("file", "output 'report' of step 'returns_file', file 'report.txt',", "FILE"),
        ("directories", "output 'reports' of step 'returns_directories', file 'report.txt',", "FILE"),
        ("allowing another", "output 'renewed_too' of step 'allows_another'", "RETURNED"),
    ],
)
def test_refused_in_a_step(refused, attempt: str, what: str, key: str):
    """An output with a value fails its step with SecretLeak, which names output, step and secret."""
    assert refused.answers()[attempt].startswith("RuntimeError: Pipeline run has failed due to failure in step")
    assert f"{what} holds the value of 'local://.secrets.json#s#{key}' and is not saved" in refused.output


@pytest.mark.parametrize(
    ("attempt", "what", "key"),
    [
        ("step parameter", "parameter 'token' of step 'takes'", "PARAMETER"),
        ("pipeline parameter", "parameter 'given' of pipeline 'with_parameter'", "PARAMETER"),
        ("setting", "the configuration of step 'plain'", "SETTING"),
        ("dynamic", "artifact 'external_", "PARAMETER"),  # ZenML makes an artifact of it
    ],
)
def test_refused_before_the_run(refused, attempt: str, what: str, key: str):
    """A parameter or setting with a value, which the database would keep, is SecretLeak before anything runs."""
    answer = refused.answers()[attempt]
    assert answer.startswith(f"SecretLeak: {what}")
    assert f"holds the value of 'local://.secrets.json#s#{key}'" in answer


def test_status_of_refused(refused):
    """ZenML's database says that the step, and its run, failed."""
    assert "('returns', 'failed')" in refused.rows("select name, status from step_run")


@pytest.mark.parametrize("name", VALUES)
def test_nowhere(refused, name: str):
    """No value of what was refused is in the output, in an artifact, in the database or in another file."""
    assert places_of(VALUES[name], refused.path, output=refused.output) == []


def test_allowed(refused):
    """`allow_leak` lets a step store what it returns."""
    assert refused.answers()["allowing"] == "done"
    assert [place for place in places_of(ALLOWED, refused.zenml) if place.endswith("data.json")]


def test_the_rest_works(refused):
    """A file that holds no value is stored."""
    assert refused.answers()["harmless file"] == "done"
