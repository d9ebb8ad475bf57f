"""What the plugin is told: what makes no sense is refused in a sentence, before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest_plugins = ("pytester",)

VECTOR = "derive-ids-executed-zero-max-96-day-2"
SUITE = ("--pyargs", "bluezone_vectors.suite")

Run = Callable[..., pytest.RunResult]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "no implementation is named: give --implementation CMD, such as 'node adapter.mjs'"),
        (("--implementation", ""), "--implementation is empty: give the command that starts the adapter"),
        (("--implementation", "''"), "--implementation is empty: give the command that starts the adapter"),
        (("--implementation", "node 'a"), "--implementation: no closing quotation"),
        (
            ("--bluezone-connect", "here"),
            "--bluezone-connect: give HOST:PORT, such as 127.0.0.1:4711 or [::1]:4711",
        ),
        (
            ("--implementation", "x", "--bluezone-connect", "h:1"),
            "give either --implementation or --bluezone-connect",
        ),
        (("--implementation", "x", "--bluezone-timeout", "0"), "--bluezone-timeout is more than 0"),
        (("--implementation", "x", "--bluezone-seed", "-1"), "--bluezone-seed is 0 to 4294967295"),
        (
            ("--implementation", "x", "--bluezone-profile", "v9"),
            "--bluezone-profile v9: the profiles that have vectors are android-v3, ios-v3, v1, v2, v3",
        ),
        (
            ("--implementation", "x", "--bluezone-req", "BZ-KEY-999"),
            "--bluezone-req BZ-KEY-999: there is no such requirement or fault; 'bzc requirements' lists them",
        ),
        (("--implementation", "x", "--deviations", "none.toml"), "none.toml: no such file or directory"),
        (("--implementation", "x", "--deviations", "."), ": is a directory"),
        (
            ("--implementation", "x", "--deviations", "bad.toml"),
            "bad.toml: the key 'suite' is missing (at the top)",
        ),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2", "-p", "xdist")])
def test_what_makes_no_sense_is_refused_in_a_sentence(
    run: Run, pytester: pytest.Pytester, options: tuple[str, ...], said: str, workers: tuple[str, ...]
) -> None:
    if workers:
        pytest.importorskip("xdist")
    (pytester.path / "bad.toml").write_text("schema = 1\n", "utf-8")
    done = run(*SUITE, *options, *workers)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in done.errlines if line.strip()]
    assert len(lines) == 1, done.stderr.str()
    assert lines[0].startswith("ERROR: ")
    assert lines[0].endswith(said)


def test_tests_that_take_over_the_vectors_want_an_implementation_too(
    run: Run, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile("from bluezone_vectors.suite.test_vectors import test_vector")
    done = run()
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "no implementation is named" in done.stderr.str()
    pytest.importorskip("xdist")
    apart = run("-n", "1", "-p", "xdist")
    assert apart.parseoutcomes()["errors"] == 1
    assert "no implementation is named" in apart.stdout.str()


def test_what_a_project_seldom_changes_stands_in_its_ini_file(
    run: Run, pytester: pytest.Pytester, adapter: Callable[..., str], deviations: Callable[..., str]
) -> None:
    vector = "hello-of-nobody"
    deviations(vector)
    pytester.makeini(
        f"[pytest]\nbluezone_implementation = {adapter()}\nbluezone_deviations = deviations.toml\n"
        "bluezone_profile = v1\n"
    )
    done = run(*SUITE, "-c", "tox.ini")
    outcomes = done.parseoutcomes()
    assert outcomes["failed"] == 1
    assert f"({vector}): there is no such vector" in done.stdout.str()
    assert f"bluezone: {adapter()}, profile v1, seed " in done.stdout.str()
    # the command line comes first
    refused = run(*SUITE, "-c", "tox.ini", "--implementation", "./there-is-none", "--bluezone-profile", "v3")
    assert "'./there-is-none' cannot be started" in refused.stdout.str()


def test_the_adapter_may_listen_on_a_socket(run: Run) -> None:
    done = run(*SUITE, "--bluezone-connect", "127.0.0.1:1", "-k", VECTOR)
    assert done.parseoutcomes()["errors"] == 1
    assert "127.0.0.1:1 cannot be reached" in done.stdout.str()
    assert "bluezone: 127.0.0.1:1, profile v3" in done.stdout.str()
