"""Logging: whatever is logged, however, through whatever handler, no value gets out; clean records stay as they are."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import dataclasses
import gc
import io
import json
import logging
import logging.handlers
import pathlib
import pickle
import queue
import socketserver
import sys
import threading
import typing
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacenda._values import Secret, SecretBundle
from tacenda.masking import Masker
from tacenda.masking._records._hooks import attach, detach

SECRET = "example-token-1"
HALVES = SECRET[:7], SECRET[7:]
CYCLE = [SECRET]
CYCLE.append(CYCLE)


@pytest.fixture
def masker():
    masker = Masker()
    masker.add(SECRET, name="api-keys")
    attach(masker)
    yield masker
    detach()


@pytest.fixture
def logger():
    logger = logging.Logger("test")  # noqa: LOG001 - nobody else's handlers get what is logged here
    yield logger
    for handler in logger.handlers:
        handler.close()


@pytest.fixture
def out(logger):
    """What a stream handler writes."""
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    return stream


class Kept(logging.Handler):
    """Keeps records, as a structured handler gets them."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    @property
    def everything(self):
        return repr([vars(record) for record in self.records])


@pytest.fixture
def kept(logger):
    handler = Kept()
    logger.addHandler(handler)
    return handler


class JSONFormatter(logging.Formatter):
    """Prints every attribute of a record by itself, objects by their text, as JSON formatters do."""

    def format(self, record):
        attributes = {**vars(record), "message": record.getMessage()}
        if record.exc_info:
            attributes["exc_info"] = self.formatException(record.exc_info)
        return json.dumps({str(key): self.plain(value) for key, value in attributes.items()}, default=str)

    def plain(self, value):
        if isinstance(value, dict):
            return {str(key): self.plain(item) for key, item in value.items()}
        return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


class Shows:
    def __init__(self, text=SECRET, shown=SECRET):
        self.text = text
        self.shown = shown

    def __str__(self):
        return self.text

    def __repr__(self):
        return f"<Shows {self.shown}>"


@dataclasses.dataclass
class Account:
    name: str
    token: str
    hidden: str = dataclasses.field(default="", repr=False)


class Token(str):
    """A text with a text of its own, as enumerations have."""

    __slots__ = ()

    def __str__(self):
        return "a token"

    __repr__ = __str__


def caused_by(error, cause):
    error.__cause__ = cause
    return error


ARGUMENTS = {
    "text": ("%s", SECRET),
    "split over two": ("%s%s", *HALVES),
    "split over message and argument": (HALVES[0] + "%s", HALVES[1]),
    "cut off by the message": ("%.3s", SECRET),
    "number": ("%x", 987654321),
    "bytes": ("%s", SECRET.encode()),
    "bytearray": ("%s", bytearray(SECRET.encode())),
    "str of an object": ("%s", Shows(shown="x")),
    "repr of an object": ("%s", Shows(text="x")),
    "exception": ("%s", ValueError(SECRET)),
    "cause of an exception": ("%s", caused_by(ValueError("x"), KeyError(SECRET))),
    "dict": ("%s", {"a": [{"b": SECRET}]}),
    "dict by name": ("%(a)s", {"a": SECRET}),
    "dict of which another name is used": ("%(a)s", {"a": "x", "b": SECRET}),
    "key of a dict": ("%s", {SECRET: 1}),
    "set": ("%s", {SECRET}),
    "tuple in a list": ("%s", [(SECRET,)]),
    "depth 50": ("%s", json.loads("[" * 50 + json.dumps(SECRET) + "]" * 50)),
    "dataclass": ("%s", Account("name", SECRET)),
    "hidden field of a dataclass": ("%s", Account("name", "x", hidden=SECRET)),
    "cycle": ("%s", CYCLE),
    "Secret": ("%s", Secret(SECRET)),
    "Secret by repr": ("%r", Secret(SECRET)),
    "SecretBundle": ("%s", SecretBundle({"API_KEY": SECRET})),
    "text of another type": ("%s", Token(SECRET)),
    "path": ("%s", pathlib.PurePosixPath("/tmp") / SECRET),
    "message": (SECRET,),
    "percent sign in the message": (f"{SECRET} 100%",),
    "object as message": (Shows(),),
    "dict as message": ({"event": SECRET},),
    "exception as message": (ValueError(SECRET),),
}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("formatter", [logging.Formatter(), JSONFormatter()], ids=["text", "JSON"])
def test_messages_and_arguments(masker, logger, kept, name, formatter):
    """Of any type and at any depth: what text, JSON and structured handlers print holds no value (checklist 9)."""
    masker.add("987654321")
    out = io.StringIO()
    logger.addHandler(logging.StreamHandler(out))
    logger.handlers[1].setFormatter(formatter)
    logger.error(*ARGUMENTS[name])
    assert out.getvalue().strip()
    for shown in (out.getvalue(), kept.everything, str(kept.records[0].args), kept.records[0].getMessage()):
        assert SECRET not in shown
        assert "987654321" not in shown


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name != "cycle"])  # no JSON of it
def test_extra(masker, logger, out, kept, name):
    """`extra=` of any type, which a record factory never sees."""
    masker.add("987654321")
    logger.handlers[0].setFormatter(JSONFormatter())
    logger.error("clean", extra={"data": ARGUMENTS[name][-1], f"key-{SECRET}": 1})
    assert "clean" in out.getvalue()
    assert SECRET not in out.getvalue() + kept.everything
    assert "987654321" not in out.getvalue() + kept.everything


def test_extra_keeps_its_shape(masker, logger, kept):
    """Only the leaves are masked; the types around them stay."""
    logger.error("clean", extra={"data": {"a": [1, {SECRET}, (f"x {SECRET}", 2.5)], "b": None}, "same": kept})
    assert kept.records[0].data == {"a": [1, {"[masked]"}, ("x [masked]", 2.5)], "b": None}
    assert kept.records[0].same is kept


def test_cycles_in_extra(masker, logger, kept):
    """A structure that holds itself is copied as one that holds itself."""
    logger.error("clean", extra={"data": CYCLE})
    (data,) = [record.data for record in kept.records]
    assert data[0] == "[masked]"
    assert data[1] is data


def test_a_queue_that_holds_itself(masker, logger, kept):
    """A deque that holds itself is copied with `...` in that place."""
    data = collections.deque([SECRET])
    data.append(data)
    logger.error("clean", extra={"data": data})
    assert kept.records[0].data == collections.deque(["[masked]", "..."])


def test_an_object_that_puts_a_value_together(masker, logger, kept):
    """An object whose text puts a value together from harmless parts becomes its masked text."""

    class Pair(typing.NamedTuple):
        first: str
        second: str

        def __repr__(self):
            return self.first + self.second

    logger.error("clean", extra={"data": Pair(*HALVES)})
    assert kept.records[0].data == "[masked]"


def test_a_template_that_holds_a_value(masker, logger, kept):
    """A value with `%%` that stands in the template, but not in the message, is masked."""
    masker.add("example%%percent")
    logger.error("example%%percent %s", 1)
    assert kept.records[0].msg == "example%percent 1"
    assert kept.records[0].args == ()


def test_users_objects_are_not_changed(masker, logger, out):
    """Masking changes none of the objects that were logged."""
    data, account, error = {"a": [SECRET]}, Account("name", SECRET), ValueError(SECRET)
    logger.error("%s %s %s", data, account, error, extra={"data": data, "account": account})
    assert (data, account, error.args) == ({"a": [SECRET]}, Account("name", SECRET), (SECRET,))


def test_clean_records_stay_as_they_are(masker, logger, kept):
    """Structured handlers get the very objects, so that they can group by message and format late."""
    argument, error, data = Shows("x", "x"), ValueError("clean"), {"a": [1]}
    try:
        raise error
    except ValueError:
        logger.exception("clean %s %d", argument, 5, extra={"data": data}, stack_info=True)
    (record,) = kept.records
    assert record.msg == "clean %s %d"
    assert record.args[0] is argument
    assert record.exc_info[1] is error
    assert record.data is data
    assert set(vars(record)) == {*vars(logging.makeLogRecord({})), "data"}
    assert type(record) is logging.LogRecord


def test_text_is_the_same_as_without_masking(logger, out, masker):
    """Byte for byte, for records without a value."""

    def log():
        logger.error("clean %s %.2f %r", "text", 2.5, {"a": 1})
        logger.error("100%% %(a)s", {"a": 1})
        logger.error("100%")
        logger.error({"event": 1})

    log()
    masked = out.getvalue()
    detach()
    log()
    assert out.getvalue() == masked * 2


def test_exceptions(masker, logger, out, kept):
    """The exception, its causes and the source lines of the traceback."""
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError("example-token-1") from error
    except ValueError:
        logger.exception("failed")
        logger.handlers[0].setFormatter(JSONFormatter())
        logger.exception("failed")
    assert out.getvalue().count("ValueError: [masked]") == 2
    assert "raise ValueError" in out.getvalue()
    assert SECRET not in out.getvalue()
    assert isinstance(kept.records[0].exc_info[1], ValueError)
    assert kept.records[0].exc_info[0] is type(kept.records[0].exc_info[1])
    assert kept.records[0].exc_info[2].tb_frame.f_code.co_name == "test_exceptions"


def test_stack_info(masker, logger, out, kept):
    """The source lines of the stack, by any handler."""
    logger.error("here", stack_info=("example-token-1", True))
    assert "[masked]" in out.getvalue()
    assert SECRET not in out.getvalue() + kept.everything


def test_records_made_by_hand(masker, logger, out, kept):
    """`makeLogRecord` sets attributes after the factory ran; so come records from sockets and queues."""
    attributes = {"exc_text": f"ValueError: {SECRET}", "stack_info": SECRET, "data": [SECRET]}
    logger.handle(logging.makeLogRecord({"levelno": 40, "msg": "%s", "args": (SECRET,), **attributes}))
    for handler in logger.handlers:
        handler.handle(logging.makeLogRecord({"msg": SECRET}))
    assert out.getvalue().count("[masked]") == 4
    assert SECRET not in out.getvalue() + kept.everything


@pytest.mark.parametrize(
    "odd", [{"exc_info": True}, {"exc_info": SECRET}, {"args": None}, {"args": SECRET}, {"msg": None}]
)
def test_odd_records(masker, kept, odd):
    """Records with attributes of unexpected types are masked too."""
    kept.handle(logging.makeLogRecord({"msg": "x", **odd}))
    assert SECRET not in kept.everything


def test_filters_of_a_handler(masker, logger, out):
    """What a filter of a handler adds is masked after it."""

    def add(record):
        record.msg = f"{record.msg} for {SECRET}"
        return True

    logger.handlers[0].addFilter(add)
    logger.error("clean")
    assert out.getvalue() == "clean for [masked]\n"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="from Python 3.12 on a filter may replace a record")
def test_filters_that_replace_a_record(masker, logger, out):
    """The record that goes on is the one that is masked."""
    logger.addFilter(lambda record: logging.makeLogRecord({**vars(record), "msg": f"other {SECRET}"}))
    logger.error("clean")
    assert out.getvalue() == "other [masked]\n"


def test_a_filter_still_drops_records(masker, logger, out):
    """A record that a filter drops is not written."""
    logger.handlers[0].addFilter(lambda record: False)
    logger.error("%s", SECRET)
    assert out.getvalue() == ""


def test_factories_of_other_people(masker, logger, out):
    """A factory may be set before or after; it is called as before, and what it adds is masked."""
    before = logging.getLogRecordFactory()

    def factory(*args, **kwargs):
        record = before(*args, **kwargs)
        record.request = SECRET
        return record

    logging.setLogRecordFactory(factory)
    try:
        assert logging.getLogRecordFactory() is factory
        logger.handlers[0].setFormatter(logging.Formatter("%(request)s %(message)s"))
        logger.error("clean")
    finally:
        logging.setLogRecordFactory(before)
    assert out.getvalue() == "[masked] clean\n"


@pytest.mark.parametrize(
    "call", [("%d", SECRET), ("%s %s", SECRET), ("x", SECRET), ("%(a)s", {SECRET: 1}), (f"{SECRET}%d", "x")]
)
def test_wrong_arguments(masker, logger, out, capsys, call):
    """Logging prints message and arguments of a call that fails: masked, and still saying what is wrong."""
    logger.error(*call)
    printed = capsys.readouterr().err
    assert "--- Logging error ---" in printed
    assert "Arguments:" in printed
    assert SECRET not in printed.split("Message:")[1]


def test_an_object_that_fails_with_a_value(masker, logger, out, capsys):
    """An error out of somebody's `__str__` is not printed, because it holds the value."""

    class Fails:
        def __str__(self):
            raise ValueError(SECRET)

    logger.error("%s", Fails())
    assert out.getvalue() == "withheld: formatting failed: ValueError\n"
    assert SECRET not in capsys.readouterr().err


def test_if_masking_fails_nothing_is_printed_of_the_record(masker, logger, out, kept, monkeypatch):
    """Logging never raises, and what nobody could look at is withheld."""
    monkeypatch.setattr(masker, "mask", lambda data: 1 / 0)
    logger.error("%s", SECRET, extra={"data": SECRET})
    assert out.getvalue() == "withheld: masking failed: ZeroDivisionError\n"
    assert SECRET not in kept.everything


def test_a_value_registered_while_a_record_waits(masker, logger, kept):
    """A record is masked by what is known when it is written."""
    memory = logging.handlers.MemoryHandler(10, target=kept)
    logger.handlers[:] = [memory]
    logger.warning("later-known")
    masker.add("later-known")
    memory.flush()
    assert kept.records[0].msg == "[masked]"


def test_file(masker, logger, tmp_path):
    """A log file, where no stream is masked."""
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    logger.error("%s", SECRET)
    assert (tmp_path / "log").read_text() == "[masked]\n"


def test_queue(masker, logger, kept):
    """What is put on a queue is masked, so whoever reads it, in whatever process, gets no value."""
    records = queue.Queue()
    logger.handlers[:] = [logging.handlers.QueueHandler(records)]
    listener = logging.handlers.QueueListener(records, kept)
    listener.start()
    logger.error("%s", SECRET, extra={"data": SECRET}, exc_info=ValueError(SECRET))
    listener.stop()
    assert len(kept.records) == 1
    assert SECRET not in kept.everything


def test_what_a_listener_gets_from_elsewhere(masker, kept):
    """A record from a process that does not mask is masked here, in its handlers."""
    records = queue.Queue()
    records.put(logging.makeLogRecord({"msg": f"remote {SECRET}", "data": SECRET}))
    listener = logging.handlers.QueueListener(records, kept)
    listener.start()
    listener.stop()
    assert kept.records[0].msg == "remote [masked]"
    assert SECRET not in kept.everything


def test_socket(masker, logger, kept):
    """What goes over a socket holds no value."""
    received = []

    class Receive(socketserver.StreamRequestHandler):
        def handle(self):
            received.append(self.rfile.read())

    with socketserver.TCPServer(("127.0.0.1", 0), Receive) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        handler = logging.handlers.SocketHandler(*server.server_address)
        logger.addHandler(handler)
        logger.error("%s", SECRET, extra={"data": [SECRET]}, exc_info=ValueError(SECRET))
        handler.close()
        thread.join(10)
    assert SECRET.encode() not in received[0]
    assert pickle.loads(received[0][4:])["msg"] == "[masked]"


def test_rich(masker, logger):
    """Rich folds long tokens over several lines, and its tracebacks with them: masked before (rich#2408)."""
    rich_logging, rich_console = pytest.importorskip("rich.logging"), pytest.importorskip("rich.console")
    value = "example-" + "0123456789" * 12
    masker.add(value)
    out = io.StringIO()
    console = rich_console.Console(file=out, width=60)
    logger.addHandler(rich_logging.RichHandler(console=console, rich_tracebacks=True))
    try:
        raise ValueError(f"refused {value}")
    except ValueError:
        logger.exception("token %s", value)
    assert " ".join(out.getvalue().split()).count("[masked]") == 2
    assert "01234567" not in out.getvalue()


def test_rich_shows_local_variables_of_ours_masked(masker, logger):
    """`show_locals` prints the `repr` of variables: masked for a Secret. A plain copy is masked in the stream only."""
    rich_logging, rich_console = pytest.importorskip("rich.logging"), pytest.importorskip("rich.console")
    out = io.StringIO()
    console = rich_console.Console(file=out, width=120)
    logger.addHandler(rich_logging.RichHandler(console=console, rich_tracebacks=True, tracebacks_show_locals=True))

    def connect(token):
        raise ValueError(f"refused {token}")

    try:
        connect(Secret(SECRET))
    except ValueError:
        logger.exception("failed")
    assert "token = <Secret [masked]>" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_structlog_through_logging(masker, logger, out):
    """structlog's events stay dictionaries until its formatter makes text of them (structlog#715)."""
    structlog = pytest.importorskip("structlog")
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]
    )
    logger.handlers[0].setFormatter(formatter)
    log = structlog.wrap_logger(
        logger,
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log.bind(request={"headers": [SECRET]}).error("refused", number=5, **{f"x-{SECRET}": 1})
    logger.error("foreign %s", SECRET)
    event, foreign = map(json.loads, out.getvalue().splitlines())
    assert event == {
        "request": {"headers": ["[masked]"]},
        "number": 5,
        "x-[masked]": 1,
        "event": "refused",
        "level": "error",
    }
    assert foreign == {"event": "foreign [masked]"}


def test_structlog_that_prints(masker):
    """Its PrintLogger goes past logging, to the stream: what it writes there is masked as a stream is."""
    structlog = pytest.importorskip("structlog")
    stream, written = masker.stream(), []

    class File(io.StringIO):
        def write(self, text):
            written.append(stream.write(text.encode()))

    renderer = structlog.processors.JSONRenderer()
    log = structlog.wrap_logger(structlog.PrintLogger(File()), processors=[renderer])
    log.error("refused", token=SECRET, headers=[SECRET])
    written.append(stream.flush())
    assert json.loads(b"".join(written)) == {"event": "refused", "token": "[masked]", "headers": ["[masked]"]}


def test_asyncio_reports_lost_exceptions_through_logging(masker, logger, out, monkeypatch):
    """A task whose exception nobody awaited is reported by asyncio's own logger."""
    monkeypatch.setattr("asyncio.base_events.logger", logger)

    async def fail():
        raise ValueError(SECRET)

    async def main():
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        del task
        asyncio.get_running_loop().call_exception_handler({"message": SECRET, "exception": KeyError(SECRET)})

    asyncio.run(main())
    assert "Task exception was never retrieved" in out.getvalue()
    assert "ValueError: [masked]" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_callbacks_of_futures_report_through_logging(masker, logger, out, monkeypatch):
    """concurrent.futures logs what a callback raises."""
    monkeypatch.setattr("concurrent.futures._base.LOGGER", logger)
    future = concurrent.futures.Future()
    future.add_done_callback(lambda done: done.result()[SECRET])
    future.set_result({})
    assert "KeyError: '[masked]'" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_without_registered_values_nothing_is_looked_at(logger, out):
    """Masking costs nothing until there is something to mask: objects are not even asked for their text twice."""
    attach(Masker())
    asked = []

    class Counts:
        def __str__(self):
            asked.append(1)
            return "x"

    logger.error("%s", Counts())
    detach()
    assert len(asked) == 1


def test_each_record_is_looked_at_once(masker, logger, out, monkeypatch):
    """A plain record costs one look, whatever number of handlers it has."""
    looks = []
    holds = masker.holds
    monkeypatch.setattr(masker, "holds", lambda data: looks.append(data) or holds(data))
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    logger.error("clean %s", "text")
    assert looks == ["clean text"]
    logger.error("clean %.2s", "text")
    assert looks[1:] == ["clean te\ntext"]


def test_no_record_is_kept_alive(masker, logger, out):
    """What was logged last can be collected: arguments and frames hold users' objects."""
    argument = Shows("x", "x")
    gone = weakref.ref(argument)
    logger.error("clean %s", argument)
    del argument
    gc.collect()
    assert gone() is None


def test_threads_that_log_while_others_register(masker):
    """A warning out of `add`, values registered while a record is printed, and handlers' locks: no deadlock."""
    logger = logging.getLogger("tacenda.masking")
    handler = logging.StreamHandler(io.StringIO())
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False

    class Registers:
        def __init__(self, number):
            self.number = number

        def __str__(self):
            masker.add(f"example-registered-{self.number}")
            return f"example-registered-{self.number}"

    def log(start):
        for number in range(start, start + 50):
            logger.error("%s", Registers(number))

    def register(start):
        for number in range(start, start + 50):
            masker.add("abc", name=f"short-{number}")
            masker.add(f"example-other-{number}")

    threads = [threading.Thread(target=run, args=(k * 100,), daemon=True) for k in range(3) for run in (log, register)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        written = handler.stream.getvalue()
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
    assert "example-registered" not in written
    assert written.count("short-") == 150


CLEAN = st.sampled_from(["clean", b"clean", Shows("x", "x"), 5, 2.5, None])
LEAKING = st.sampled_from([SECRET, f"a {SECRET} b", SECRET.encode(), Shows(), Secret(SECRET)])


def nested(leaves, keys):
    """Return any structure of leaves."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from(keys), inner, max_size=3),
            st.builds(Account, st.just("name"), inner, inner),
            inner.map(ValueError),
            inner.map(lambda value: Shows("x", repr(value))),
        ),
        max_leaves=10,
    )


def logged(template, argument, extra):
    """Log, masked, and return the record and everything that was printed of it."""
    masker = Masker()
    masker.add(SECRET)
    kept, out = Kept(), io.StringIO()
    logger = logging.Logger("test")  # noqa: LOG001 - as above
    logger.handlers = [kept, logging.StreamHandler(out)]
    logger.handlers[1].setFormatter(JSONFormatter())
    attach(masker)
    try:
        logger.error(template, argument, extra={"data": extra})
    finally:
        detach()
    (record,) = kept.records
    return record, kept.everything + out.getvalue() + record.getMessage()


TEMPLATES = st.sampled_from(["%s", "%r", "%.5s", "clean %s", "%%s %s"])
ANY = nested(CLEAN | LEAKING, ["key", SECRET, (SECRET, 1)])
HARMLESS = nested(CLEAN, ["key", ("key", 1)])


@settings(max_examples=50)
@given(TEMPLATES, ANY, ANY)
def test_no_leaf_survives(template, argument, extra):
    """No value is written, however it is nested in arguments and in `extra=`."""
    assert SECRET not in logged(template, argument, extra)[1]


@settings(max_examples=50)
@given(TEMPLATES, HARMLESS.filter(bool), HARMLESS)
def test_what_holds_no_value_is_the_same_object(template, argument, extra):
    """What holds no value reaches the handlers as the object that was logged."""
    record, _ = logged(template, argument, extra)
    assert record.msg == template
    assert record.data is extra
    assert record.args is argument if isinstance(argument, dict) else record.args[0] is argument
