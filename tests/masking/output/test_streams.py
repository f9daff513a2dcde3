"""Where descriptors cannot be masked, or do not lead to what people see: Python's own streams are masked."""

from __future__ import annotations

import io
import subprocess
import threading

import pytest

from tacenda.masking import Masker
from tacenda.masking._output._streams import leads_to_descriptor, wrap

SECRET = "example-token-4711"


@pytest.fixture
def masker():
    masker = Masker()
    masker.add(SECRET)
    return masker


def test_without_forks_and_terminals(programs):
    """On Windows what Python code writes is masked: print, bytes, logging handlers from before (checklist 9)."""
    done = programs.run("without_descriptors.py", "elsewhere")
    assert done.stdout.splitlines() == [
        b"print [masked] [masked]",
        b"buffer [masked]",
        b"lines [masked]",
        b"encoding utf-8 1 False",
        b"no forks here",
        b"unfinished [masked]",
    ]
    assert done.stderr.splitlines() == [b"[masked]", b"handler [masked]"]


def test_prompt(programs, read_until):
    """A prompt that ends as a value begins is shown when it is flushed."""
    process = programs.start("without_descriptors.py", "prompt", stdin=subprocess.PIPE)
    assert read_until(process.stdout.fileno(), b"Name (exa") == b"Name (exa"
    process.stdin.close()
    assert process.wait(10) == 0


def test_notebook(programs):
    """A notebook's cell is masked as well as the descriptors beneath it; what is held back appears by itself."""
    done = programs.run("without_descriptors.py", "notebook")
    assert done.stdout.splitlines() == [b"descriptor [masked]", b"sent cell [masked]", b"later exa"]


def test_stream_that_was_replaced(programs):
    """Another `install()` masks a new `sys.stdout`, once; `uninstall()` leaves no trace of it."""
    assert programs.run("without_descriptors.py", "replaced").stdout == b"captured [masked] 1, example {}\n"


def test_stream_that_cannot_be_wrapped(programs):
    """An object that does not let its methods be replaced is left alone, and None is no stream: the helper masks."""
    done = programs.run("without_descriptors.py", "unwrappable")
    assert (done.stdout, done.returncode) == (b"slots [masked]\n", 0)


def test_only_standard_descriptors_count():
    """A stream to another file leads elsewhere, and so does none at all."""
    with open(1, "w", closefd=False) as standard, open(0, closefd=False) as other:
        assert leads_to_descriptor(standard)
        assert not leads_to_descriptor(other)
    assert not leads_to_descriptor(standard)  # closed
    assert not leads_to_descriptor(io.StringIO())
    assert not leads_to_descriptor(None)


def test_text_of_every_kind(masker):
    """What is not a value comes out as it went in, half characters and foreign encodings included."""
    beneath = io.BytesIO()
    stream = io.TextIOWrapper(beneath, encoding="utf-16-le", errors="surrogatepass", newline="")
    layers = wrap(stream, masker)
    text = f"Grüße \ud800 e\u0301 \N{SNOWMAN}\r\n{SECRET}\N{SNOWMAN}"
    assert stream.write(text) == len(text)
    for layer in reversed(layers):
        layer.restore()
    assert beneath.getvalue().decode("utf-16-le", "surrogatepass") == text.replace(SECRET, "[masked]")


def test_wrong_types_stay_wrong(masker):
    """Bytes for a text stream are the error that they always are."""
    stream = io.StringIO()
    wrap(stream, masker)
    with pytest.raises(TypeError):
        stream.write(b"bytes")
    stream.write("text")
    assert stream.getvalue() == "text"


def test_binary_value_in_the_middle_of_a_character(masker):
    """A binary value may begin or end inside a character: it is masked, and the rest can be read."""
    masker.add("☃".encode()[1:] + b"binary-value" + "☃".encode()[:1])
    stream = io.StringIO()
    (layer,) = wrap(stream, masker)
    stream.write("a☃binary-value☃z")
    layer.restore()
    assert "[masked]" in stream.getvalue()
    assert stream.getvalue()[0] + stream.getvalue()[-1] == "az"
    assert "binary-value" not in stream.getvalue()


def test_threads_write_whole_pieces(masker):
    """Lines of several threads are not mixed up by the masking."""
    stream = io.StringIO()
    wrap(stream, masker)
    threads = [
        threading.Thread(target=lambda number=number: [stream.write(f"{number} {SECRET}\n") for _ in range(50)])
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(stream.getvalue().splitlines()) == [f"{number} [masked]" for number in range(4) for _ in range(50)]
