"""Tests of one's own ask the implementation, and nothing is left of it, however pytest ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

SUITE = ("--pyargs", "bluezone_vectors.suite")
# it ignores what would end it, and what it is asked
HANGS = (
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path('pid').write_text(str(os.getpid()));"
    " time.sleep(600)"
)

Run = Callable[..., pytest.RunResult]


def test_a_test_asks_the_implementation(
    run: Run, pytester: pytest.Pytester, adapter: Callable[..., str]
) -> None:
    pytester.makepyfile(
        """
        def test_first_id(bluezone_implementation):
            assert "derive_ids" in bluezone_implementation.hello.ops
            answer = bluezone_implementation.ask("derive_ids", base_id="00" * 32, day=0, max=96, slots=[0])
            assert len(answer.value["ids"][0]) == 24

        def test_again(bluezone_implementation):
            assert bluezone_implementation.ask("no_such_op").kind == "unsupported"
        """
    )
    assert run("--implementation", adapter()).parseoutcomes() == {"passed": 2}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--implementation", "./there-is-none"),
            "the adapter cannot be tested: './there-is-none' cannot be",
        ),
        ((), "no implementation is named"),
    ],
)
def test_without_an_implementation_such_a_test_is_in_error(
    run: Run, pytester: pytest.Pytester, options: tuple[str, ...], said: str
) -> None:
    pytester.makepyfile("def test_it(bluezone_implementation): pass\ndef test_another(): pass")
    done = run(*options)
    assert done.parseoutcomes() == {"errors": 1, "passed": 1}
    assert said in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_a_crash_is_an_answer_and_what_is_not_asked_fails(
    run: Run, pytester: pytest.Pytester, written_adapter: Callable[[str], str]
) -> None:
    pytester.makepyfile(
        """
        def test_crash(bluezone_implementation):
            assert bluezone_implementation.ask("derive_ids").kind == "crash"

        def test_after(bluezone_implementation):
            bluezone_implementation.ask("derive_ids")
        """
    )
    breaks = written_adapter("pathlib.Path('own_adapter.py').write_text('raise SystemExit(3)'); os._exit(3)")
    done = run("--implementation", breaks)
    assert done.parseoutcomes() == {"passed": 1, "failed": 1}
    assert "derive_ids was not asked: the adapter could not be started again" in done.stdout.str()


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [SUITE, ("test_own.py",)])
def test_nothing_is_left_when_a_signal_ends_the_run(
    pytester: pytest.Pytester,
    written_adapter: Callable[[str], str],
    number: signal.Signals,
    arguments: tuple[str, ...],
) -> None:
    (pytester.path / "test_own.py").write_text(
        "def test_it(bluezone_implementation): bluezone_implementation.ask('derive_ids')", "utf-8"
    )
    plugin = ("-p", "no:bluezone", "-p", "bluezone_harness.pytest_plugin", "-p", "no:cacheprovider")
    # where tests are started in the background, SIGINT is ignored, and children keep that
    begin = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{begin}; sys.exit(pytest.main())", *plugin, *arguments]
    pid_file = pytester.path / "pid"
    with subprocess.Popen(
        [*command, "--implementation", written_adapter(HANGS)], stdout=subprocess.PIPE, cwd=pytester.path
    ) as process:
        try:
            hanging = int(awaited_text(pid_file))
            process.send_signal(number)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert b"KeyboardInterrupt" in said
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)


def awaited_text(path: Path) -> str:
    """Return what stands in a file, as soon as something does."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        if path.exists() and (text := path.read_text("utf-8")):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{path.name} was not written")


def test_signals_are_taken_in_a_main_thread_alone_and_given_back(
    run: Run, pytester: pytest.Pytester, adapter: Callable[..., str]
) -> None:
    pytester.makepyfile(
        """
        import signal

        def test_taken(bluezone_implementation):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        """
    )
    before = signal.getsignal(signal.SIGTERM)
    options = ("--implementation", adapter())
    assert run(*options).parseoutcomes() == {"passed": 1}
    assert signal.getsignal(signal.SIGTERM) is before
    found: list[pytest.RunResult] = []
    thread = threading.Thread(target=lambda: found.append(run(*options)))
    thread.start()
    thread.join()
    assert found[0].parseoutcomes() == {"failed": 1}


def test_a_handler_of_somebody_elses_stays(
    run: Run, pytester: pytest.Pytester, adapter: Callable[..., str]
) -> None:
    pytester.makepyfile(
        """
        import signal

        def test_stays(bluezone_implementation):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        """
    )
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert run("--implementation", adapter()).parseoutcomes() == {"passed": 1}
    finally:
        signal.signal(signal.SIGTERM, before)
