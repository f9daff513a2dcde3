"""No value is stored by accident: outputs are searched, and what flytekit writes by itself is masked."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pydantic
import pytest
from flytekit import Deck, Secret, current_context, dynamic, map_task, task, workflow
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.local_cache import LocalTaskCache
from flytekit.core.type_engine import TypeTransformerFailedError
from flytekit.deck.deck import _get_deck
from flytekit.models.core.errors import ContainerError
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile

import tacenda
from tacenda.errors import SecretLeak
from tacenda.masking import allow_leak, registry

pytestmark = pytest.mark.flytekit

DB = Secret(group="db", key="password")


@dataclasses.dataclass
class Login:
    user: str
    password: str


class Pair(NamedTuple):
    user: str
    password: str


@pytest.fixture(autouse=True)
def directory(stack) -> Path:
    return stack({"db": {"password": "example-password", "HOST": "db.example.internal"}})


def read(key: str = "password") -> Any:
    return current_context().secrets.get("db", key)


def refused(entity: Any, output: str = "o0", **inputs: Any) -> str:
    """Return the message of the SecretLeak with which a task or workflow fails."""
    with pytest.raises(SecretLeak) as caught:
        entity(**inputs)
    text = str(caught.value)
    assert f"output {output!r} of task" in text
    assert "password' and is not saved" in text  # the secret's name, or its place
    assert "example-" not in text
    return text


def test_secret_as_output():
    """A secret given back is refused as a leak, rather than for its type, with what to do (allow_leak)."""

    @task(secret_requests=[DB])
    def giving() -> str:
        return read()

    text = refused(giving)
    assert ".giving' holds the value" in text
    assert "save the secret's name instead of its value" in text
    assert "@tacenda.masking.allow_leak('o0')" in text


def test_platforms_secret_as_output(monkeypatch: pytest.MonkeyPatch):
    """So is one that the platform has injected, which is a plain str."""
    monkeypatch.setenv("_FSEC_DB_PASSWORD", "example-injected")

    @task
    def giving() -> typing.List[str]:  # noqa: UP006 - what flytekit's documentation shows
        return [f"Bearer {read()}"]

    refused(giving)


def test_named_and_structured_outputs():
    """Each output is searched for itself, whatever it is wrapped in, and named as flytekit names it."""

    @task
    def several() -> tuple[str, Login]:
        return "fine", Login("admin", str(read()))

    @task
    def named() -> Pair:
        return Pair("admin", str(read()))

    @task
    def host() -> str:
        return str(read("HOST"))

    refused(several, "o1")
    refused(named, "password")
    assert host() == "db.example.internal"  # is no secret


def test_files(tmp_path: Path):
    """Files are searched before they are uploaded: a file, a directory, a list of files, compressed ones."""

    def written(name: str, content: str) -> Path:
        path = tmp_path / "files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return path

    @task
    def file() -> FlyteFile:
        return FlyteFile(str(written("login.txt", f"password={read()}")))

    @task
    def files() -> typing.List[FlyteFile]:  # noqa: UP006
        return [FlyteFile(str(written("a.txt", ""))), FlyteFile(str(written("login.txt", f"password={read()}")))]

    @task
    def directory() -> FlyteDirectory:
        written("login.txt", f"password={read()}")
        return FlyteDirectory(str(tmp_path / "files"))

    @task
    def clean() -> FlyteFile:
        read()
        return FlyteFile(str(written("login.txt", "nothing of that kind")))

    @task
    def path() -> FlyteFile:
        return str(written("login.txt", f"password={read()}"))  # type: ignore[return-value] - flytekit takes it

    @task
    def folder() -> FlyteFile:  # which flytekit refuses, and does not upload
        written("login.txt", f"password={read()}")
        return FlyteFile(str(tmp_path / "files"))

    with pytest.raises(TypeError, match="Failed to convert output"):
        folder()
    for entity in (file, files, directory, path):
        assert "file 'login.txt'," in refused(entity)
    assert Path(clean()).read_text() == "nothing of that kind"


@dataclasses.dataclass
class Report:
    number: int
    file: FlyteFile


class Model(pydantic.BaseModel):
    files: typing.List[FlyteFile]  # noqa: UP006


def test_files_in_other_outputs(tmp_path: Path):
    """So are files in dataclasses and Pydantic models, which flytekit uploads too; also one given by its path."""
    login, clean = tmp_path / "login.txt", tmp_path / "clean.txt"
    clean.write_text("nothing of that kind")

    @task
    def structured(short: bool) -> Report:
        login.write_text(f"password={read()}")
        return Report(1, str(login) if short else FlyteFile(str(login)))  # type: ignore[arg-type]

    @task
    def model() -> Model:
        login.write_text(f"password={read()}")
        return Model(files=[FlyteFile(str(clean)), FlyteFile(str(login))])

    @task
    def fine() -> Report:
        read()
        return Report(1, FlyteFile(str(clean)))

    for message in (refused(structured, short=False), refused(structured, short=True), refused(model)):
        assert "file 'login.txt'," in message
    assert Path(fine().file).read_text() == "nothing of that kind"


def test_iterators():
    """What an iterator gives is searched when flytekit takes it, even if the secret is read only then."""

    @task
    def lazy() -> typing.Iterator[str]:
        return (str(read()) for _ in range(2))

    @task
    def second() -> tuple[int, typing.Iterator[str]]:
        return 1, (text for text in ("fine", str(read())))

    @task
    @allow_leak("o0")
    def allowed() -> typing.Iterator[str]:
        return (str(read()) for _ in range(2))

    @task
    def fine() -> typing.Iterator[str]:
        return (text for text in "ab")

    assert list(fine()) == ["a", "b"]
    refused(lazy)
    refused(second, "o1")
    assert list(allowed()) == ["example-password"] * 2


def test_mapped_and_dynamic_tasks():
    """Mapped tasks are searched as a whole, dynamic ones in the form that flytekit makes of them."""

    @task
    def mapped(number: int) -> str:
        return f"{number} {read()}"

    @workflow
    def mapping() -> typing.List[str]:  # noqa: UP006
        return map_task(mapped)(number=[1, 2])

    @task
    def echo(text: str) -> str:
        return "fine"

    @dynamic
    def passing() -> str:
        echo(text=str(read()))
        return str(read())

    refused(mapping)
    refused(passing)


def test_allowed():
    """`allow_leak` exempts an output, and a secret in it becomes the str that flytekit demands."""

    @task(secret_requests=[DB])
    @allow_leak("o0")
    def renewing() -> str:
        return read()

    @task
    @allow_leak("o1")
    def other() -> tuple[str, str]:
        return str(read()), "fine"

    @task
    @allow_leak()
    def pair() -> tuple[str, str]:
        return read(), "fine"

    assert renewing() == "example-password"
    assert type(renewing()) is str
    assert pair() == ("example-password", "fine")
    refused(other)


def test_local_cache(monkeypatch: pytest.MonkeyPatch):
    """What is refused is not kept in flytekit's local cache either."""
    kept: list[Any] = []
    monkeypatch.setattr(LocalTaskCache, "get", staticmethod(lambda *_: None))
    monkeypatch.setattr(LocalTaskCache, "set", staticmethod(lambda *what: kept.append(what)))

    @task(cache=True, cache_version="1")
    def cached(leaking: bool) -> str:
        return str(read()) if leaking else "fine"

    refused(cached, leaking=True)
    assert not kept
    assert cached(leaking=False) == "fine"
    assert len(kept) == 1


def test_without_outputs_or_secrets():
    """Tasks that give back nothing, or that know no secret, are as ever; a failing search never hides their error."""

    @task
    def nothing() -> None:
        read()

    @task
    def failing() -> str:
        if read():
            raise KeyError("expected")
        return ""

    @task
    def wrong() -> tuple[int, int]:
        read()
        return (1,)  # type: ignore[return-value]

    assert nothing() is None
    with pytest.raises(KeyError, match="expected"):
        failing()
    with pytest.raises(AssertionError, match="Length difference 2 1"):
        wrong()


def test_secret_where_a_str_is_declared():
    """flytekit takes no Secret for a str; its error says so without the value, and what to do instead."""

    @task
    def using(text: str) -> str:
        return "fine"

    with pytest.raises(TypeTransformerFailedError) as caught:
        using(text=tacenda.Secret("example-unregistered"))  # not even one that the masker knows
    text = str(caught.value)
    assert "Failed to convert inputs of task" in text
    assert "got '[masked]' of type <class 'tacenda._values.Secret'>" in text
    assert text.count("give tacenda.reveal(value)") == 1
    assert "example-" not in text
    with pytest.raises(TypeTransformerFailedError) as caught:
        using(text=[str(read_outside())])
    assert "example-" not in str(caught.value)
    assert "tacenda.reveal" not in str(caught.value)
    assert TypeTransformerFailedError().args == ()


def read_outside() -> str:
    return tacenda.get("db", "password")


def test_decks():
    """A deck's HTML is masked, escaped values too, in a notebook as well."""
    registry().add("example <&> value", name="html")

    @task(enable_deck=True)
    def decked(text: str) -> str:
        Deck("mine", f"<p>{read()}</p><p>example &lt;&amp;&gt; value</p>")
        pages.append(_get_deck(FlyteContextManager.current_context().user_space_params, ignore_jupyter=True))
        return "fine"

    pages: list[str] = []
    decked(text=str(read_outside()))
    assert "<p>[masked]</p><p>[masked]</p>" in pages[0]
    from tacenda_flyte._values import masked_html

    assert masked_html(SimpleNotebookPage("<p>example-password</p>")).data == "<p>[masked]</p>"


class SimpleNotebookPage(SimpleNamespace):
    def __init__(self, data: str) -> None:
        super().__init__(data=data)


def test_container_error():
    """What becomes error.pb is masked."""
    tacenda.get("db", "password")
    error = ContainerError("USER", "no route to admin:example-password@db", kind=1, origin=1)
    assert error.message == "no route to admin:[masked]@db"
    assert ContainerError(code="USER", message="fine", kind=1, origin=1).message == "fine"
