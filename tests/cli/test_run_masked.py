"""`tacenda run` masks what the command prints, and is otherwise not there: terminal, signals, exit codes."""

from __future__ import annotations

import fcntl
import signal
import struct
import sys
import termios
from pathlib import Path

import pytest
from command_line import COMMAND, RUN, VALUE, Cli, python


def test_masks(keys: Cli):
    """Standard output and standard error are masked, each where it belongs."""
    done = keys(*RUN, "sh", "-c", "echo out $TOKEN; echo err $TOKEN >&2").ok()
    assert (done.out, done.err) == ("out [masked]\n", "err [masked]\n")


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.write(1, os.environ['TOKEN'].encode())",
        "import os, subprocess; subprocess.run(['sh', '-c', 'printf %s $TOKEN'])",
        "import os; os.execvp('sh', ['sh', '-c', 'printf %s $TOKEN'])",
        "import os, sys\nfor letter in os.environ['TOKEN']: sys.stdout.write(letter); sys.stdout.flush()",
        "import os; print(os.environ['TOKEN'], end='', flush=True); os._exit(0)",
    ],
    ids=["descriptor", "subprocess", "exec", "byte by byte", "no clean-up"],
)
def test_however_it_is_written(keys: Cli, code: str):
    """It does not matter which program writes, or how (checklist 9 and 16)."""
    assert keys(*RUN, *python(code)).ok().out == "[masked]"


def test_in_the_environment_already(cli: Cli):
    """A value that the environment had before is masked as well: the environment may be the backend."""
    assert cli("run", "--secret", "TOKEN", "--", "sh", "-c", "echo $TOKEN", TOKEN=VALUE).ok().out == "[masked]\n"


def test_get_inside(keys: Cli):
    """What `tacenda get` prints inside of it is masked too: it prints to the same place."""
    assert keys(*RUN, *COMMAND, "get", "token", "--reveal").ok().out == "[masked]"


def test_no_mask(keys: Cli):
    """`--no-mask` leaves the output alone."""
    done = keys("run", "--no-mask", *RUN[1:], "sh", "-c", "echo $TOKEN; echo $TOKEN >&2").ok()
    assert (done.out, done.err) == (f"{VALUE}\n", f"{VALUE}\n")


def test_files_are_not_masked(keys: Cli):
    """A file gets what the command writes into it: a program may need the value there."""
    keys(*RUN, "sh", "-c", "printf %s $TOKEN > file").ok()
    assert (keys.directory / "file").read_text() == VALUE


def test_output_to_a_file(keys: Cli):
    """Output that the caller sends to a file is masked, complete, and in order."""
    line = "tacenda run --secret token -- sh -c 'for i in 1 2 3; do echo $i $TOKEN; echo $i >&2; done' > log 2>&1"
    assert keys.shell(line).returncode == 0
    expected = "".join(f"{number} [masked]\n{number}\n" for number in (1, 2, 3))
    assert (keys.directory / "log").read_text() == expected


def test_not_masked(keys: Cli):
    """A secret that is too short to be masked is named once on standard error, unless nothing is masked anyway."""
    done = keys("run", "--secret", "db", "--", "true").ok()
    assert done.err == "tacenda: 'db#PIN' is shorter than 6 characters and is not masked\n"
    assert keys("run", "--no-mask", "--secret", "db", "--", "true").ok().err == ""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT", "SIGHUP"])
def test_killed(keys: Cli, name: str):
    """A command that is killed shows that to the caller, and its last words arrive."""
    number = getattr(signal, name)
    done = keys(*RUN, "sh", "-c", f"echo last $TOKEN; kill -{number:d} $$")
    assert (done.code, done.out) == (-number, "last [masked]\n")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_code(keys: Cli, code: int):
    """The exit code is the command's own, and everything it printed is there when the caller has it."""
    done = keys(*RUN, "sh", "-c", f"echo $TOKEN; exit {code}")
    assert (done.code, done.out) == (code, "[masked]\n")


def test_no_child_of_the_command(keys: Cli):
    """The command has no child that it did not start: a shell's `wait` and a supervisor's do not hang."""
    code = "import os\ntry: print(os.waitpid(-1, 0))\nexcept ChildProcessError: print('none')"
    assert keys(*RUN, *python(code)).ok().out == "none\n"


def test_standard_input(keys: Cli):
    """Standard input is the command's."""
    assert keys(*RUN, "cat", stdin=f"a\n{VALUE}\n").ok().out == "a\n[masked]\n"


def test_reader_is_gone(keys: Cli):
    """`tacenda run … -- yes | head -1` ends as it does without it."""
    done = keys.shell("tacenda run --secret token -- sh -c 'yes $TOKEN' | head -1; echo ${PIPESTATUS[@]}")
    assert done.stdout == "[masked]\n141 0\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed(keys: Cli, closed: str):
    """With output closed by the caller, the command runs and has its exit code; the other output is masked."""
    done = keys.shell(f"tacenda run --secret token -- sh -c '{{ echo $TOKEN; }} 2>/dev/null; exit 9' {closed}")
    assert done.returncode == 9
    assert VALUE not in done.stdout + done.stderr


def test_command_does_not_exist(keys: Cli):
    """What `run` itself has to say arrives, with the usual exit code."""
    done = keys(*RUN, "no-such-command")
    assert (done.code, done.err) == (127, "tacenda: there is no command 'no-such-command'\n")


# -- terminals ------------------------------------------------------------------------------------------


def test_terminal(keys: Cli):
    """On a terminal the command has a terminal, of the same size, and what it prints there is masked."""
    code = "import os, sys; print(*map(os.isatty, (0, 1, 2)), *os.get_terminal_size(1), os.environ['TOKEN'])"
    with keys.terminal(*RUN, *python(code)) as terminal:
        fcntl.ioctl(terminal._screen, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        assert terminal.finish() == 0
    assert "True True True 77 33 [masked]" in terminal.seen
    assert VALUE not in terminal.seen


def test_prompt(keys: Cli):
    """A prompt without a newline is there before the answer; an answer that is a value is masked where it is shown."""
    code = "print('got', input('Name: '), flush=True)"
    with keys.terminal(*RUN, *python(code)) as terminal:
        terminal.expect("Name: ")
        terminal.type("somebody\n")
        terminal.expect("got somebody")
        assert terminal.finish() == 0


def test_password_prompt(keys: Cli):
    """A prompt that does not echo works as before."""
    with keys.terminal(*RUN, *python("import getpass; print(len(getpass.getpass('Word: ')))")) as terminal:
        terminal.answer("Word: ", "four\n")
        terminal.expect("4")
        assert terminal.finish() == 0


def test_interrupt(keys: Cli):
    """Ctrl-C reaches the command, and what it says about it arrives."""
    code = (
        "import os, time\n"
        "try: print('ready', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt: print('bye', os.environ['TOKEN'])"
    )
    with keys.terminal(*RUN, *python(code)) as terminal:
        terminal.expect("ready")
        assert terminal.interrupt() == 0
    assert "bye [masked]" in terminal.seen


# -- where descriptors cannot be masked -----------------------------------------------------------------


@pytest.fixture
def elsewhere(keys: Cli) -> list[str]:
    """The command on a system without pseudo-terminals, such as Windows."""
    code = "import os, sys; del os.openpty; from tacenda.cli import main; sys.exit(main())"
    return [sys.executable, "-c", code]


def test_elsewhere(keys: Cli, elsewhere: list[str]):
    """Where descriptors cannot be masked, the command runs behind pipes: masked, in time, with its exit code."""
    done = keys(*RUN, "sh", "-c", "echo out $TOKEN; echo err $TOKEN >&2; exit 7", command=elsewhere)
    assert (done.code, done.out, done.err) == (7, "out [masked]\n", "err [masked]\n")


def test_elsewhere_large(keys: Cli, elsewhere: list[str]):
    """Megabytes on both outputs at once neither block nor get lost."""
    code = "import os, sys\nfor n in range(20_000): print(n, os.environ['TOKEN']); print(n, 'x' * 50, file=sys.stderr)"
    done = keys(*RUN, *python(code), command=elsewhere).ok()
    assert done.out == "".join(f"{number} [masked]\n" for number in range(20_000))
    assert len(done.err.splitlines()) == 20_000


def test_elsewhere_killed(keys: Cli, elsewhere: list[str]):
    """A command that is killed there has the exit code that a shell gives it; its last words arrive."""
    done = keys(*RUN, "sh", "-c", "echo last $TOKEN; kill -9 $$", command=elsewhere)
    assert (done.code, done.out) == (137, "last [masked]\n")


def test_elsewhere_not_there(keys: Cli, elsewhere: list[str]):
    """A command that does not exist is told in the same way there, and `--no-mask` needs no pipes."""
    assert keys(*RUN, "no-such-command", command=elsewhere).code == 127
    shown = keys("run", "--no-mask", *RUN[1:], "sh", "-c", "echo $TOKEN", command=elsewhere).ok()
    assert shown.out == f"{VALUE}\n"


def test_no_temporary_files(keys: Cli):
    """Masking leaves nothing on disk (checklist 4)."""
    before = sorted(Path(keys.directory).rglob("*"))
    keys(*RUN, "sh", "-c", "echo $TOKEN", TMPDIR=str(keys.home)).ok()
    assert sorted(Path(keys.directory).rglob("*")) == before


def test_cannot_mask(keys: Cli):
    """If the masking cannot start, the command does not: a value that cannot be masked is not handed out."""
    code = "import sys; sys.executable += '-gone'; from tacenda.cli import main; sys.exit(main())"
    done = keys(*RUN, "touch", "ran", command=python(code))
    assert done.code == 1
    assert "cannot mask" in done.err
    assert VALUE not in done.err
    assert not (keys.directory / "ran").exists()
