"""The pytest plugin: an implementation's vectors as tests, and evidence judged in tests of one's own.

Theory of operation. Here stand the hooks and the fixtures, and nothing else: pytest loads this module into every run
beside which it is installed, so that all that it needs is imported when it is needed.

``bluezone_vectors.suite`` holds one test that ``pytest_generate_tests`` parametrizes with the vectors of a profile;
what comes of them is the business of ``suite``. The marker ``req`` names the requirements and faults that a test holds
to, a vector's or one's own: ``--bluezone-req`` selects by it, and JUnit holds it as properties. Under xdist each worker
asks an adapter of its own, and all take the seed of the controller, so that all come to the same verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from bluezone_harness.pytest_plugin import options

if TYPE_CHECKING:
    from bluezone_harness.pytest_plugin.evidence import EvidenceCheck
    from bluezone_harness.pytest_plugin.implementation import Implementation
    from bluezone_harness.pytest_plugin.suite import SuiteRun
    from bluezone_vectors.pack import Vector

_VECTOR = "bluezone_vector"
_SUITE = "bluezone_vectors"
_SUMMARY = pytest.StashKey[list[str]]()
_SUMMARY_OUTPUT = "bluezone_summary"
_ID = re.compile(r"(BZ-[A-Z]{3}-[0-9]{3})|F-[0-9]{2}b?")


# --- options ------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker, and refuse at once what is given wrong: a worker of xdist cannot do so in order.

    Raises:
        UsageError: What is given makes no sense, or the suite is asked for and no implementation named.
    """
    config.addinivalue_line("markers", "req(*ids): the requirements or faults that a test holds to")
    if _is_worker(config):
        return
    options.seed_of(config)
    if wanted := config.getoption("--bluezone-req"):
        from bluezone_harness.pytest_plugin.settings import check_ids

        check_ids(wanted)
    given = (config.getoption("--implementation"), config.getoption("--bluezone-connect"))
    if given != (None, None) or any(_SUITE in argument for argument in config.args):
        _check_settings(config)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _check_settings(config: pytest.Config) -> None:
    from bluezone_harness.pytest_plugin.settings import read_settings, vectors_of

    if options.is_given(config) or not config.option.collectonly:
        read_settings(config)
    else:  # to list the vectors takes nobody who answers
        vectors_of(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - a class of xdist, which need not be there
    """Tell a worker of xdist the seed."""
    node.workerinput.update(options.seed_input(node.config))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is tested, and by which seed the run is repeated."""
    if not options.is_given(config):
        return None
    where = options.connect_of(config) or options.command_of(config)
    return f"bluezone: {where}, profile {options.profile_of(config)}, seed {options.seed_of(config)}"


# --- the suite ----------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each vector of the profile, with its requirements as the marker ``req``."""
    if _VECTOR not in metafunc.fixturenames:
        return
    from bluezone_harness.pytest_plugin.settings import vectors_of

    marked = [
        pytest.param(each, id=each.id, marks=pytest.mark.req(*each.requirements))
        for each in vectors_of(metafunc.config)
    ]
    metafunc.parametrize(_VECTOR, marked, indirect=True)


@pytest.hookimpl(tryfirst=True)  # before what deselects by -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let ``-k``, ``--bluezone-req`` and JUnit know the ids that tests are marked with.

    Raises:
        UsageError: There are vectors to ask, and nobody to answer: a run in which nothing is judged must not pass.
    """
    wanted = config.getoption("--bluezone-req")
    selected: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    has_vectors = False
    for item in items:
        ids = _ids_of(item)
        item.extra_keyword_matches.update(ids)
        item.user_properties += [("requirement" if _is_requirement(name) else "fault", name) for name in ids]
        vector = _vector_of(item)
        if vector is not None:
            has_vectors = True
            item.extra_keyword_matches.add(vector.operation)
            item.user_properties += [("level", vector.level), ("operation", vector.operation)]
        (left_out if wanted and not _is_wanted(ids, wanted) else selected).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = selected
    # a worker of xdist that ends here ends the controller in disorder: there the first vector says it
    if has_vectors and not _is_worker(config):
        _check_settings(config)


def _ids_of(item: pytest.Item) -> list[str]:
    """Return the ids that the marks of a test name; other projects' marks of the same name have none."""
    named = (each for mark in item.iter_markers("req") for each in mark.args)
    return list(dict.fromkeys(each for each in named if isinstance(each, str) and _ID.fullmatch(each)))


def _is_requirement(name: str) -> bool:
    found = _ID.fullmatch(name)
    return found is not None and found[1] is not None


def _is_wanted(ids: list[str], wanted: list[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for name in ids for pattern in wanted)


def _vector_of(item: pytest.Item) -> Vector | None:
    found: Vector | None = getattr(getattr(item, "callspec", None), "params", {}).get(_VECTOR)
    return found


@pytest.fixture(scope="session")
def bluezone_run(
    request: pytest.FixtureRequest, record_testsuite_property: Callable[[str, object], None]
) -> SuiteRun:
    """Ask the implementation the vectors that were selected, once; an adapter of no use ends the run."""
    from bluezone_harness.pytest_plugin.suite import run_suite

    selected = {vector.id for item in request.session.items if (vector := _vector_of(item)) is not None}
    found = run_suite(request.session, selected)
    for name, value in found.properties.items():
        record_testsuite_property(name, value)
    request.config.stash[_SUMMARY] = list(found.summary)
    if hasattr(request.config, "workeroutput"):
        request.config.workeroutput[_SUMMARY_OUTPUT] = list(found.summary)
    return found


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - a class of xdist, which need not be there
    """Take over what a worker of xdist has to say; all asked the same, so that most say the same."""
    said: list[str] = getattr(node, "workeroutput", {}).get(_SUMMARY_OUTPUT, [])
    told = node.config.stash.setdefault(_SUMMARY, [])
    told += [line for line in said if line not in told]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what came of the vectors as a whole."""
    lines = config.stash.get(_SUMMARY, [])
    if lines:
        terminalreporter.section("bluezone")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def bluezone_vector(request: pytest.FixtureRequest, bluezone_run: SuiteRun) -> Callable[[], None]:
    """Return what reports one vector; its test is parametrized with all vectors of the profile."""
    vector: Vector = request.param
    return lambda: bluezone_run.judge(vector)


@pytest.fixture
def bluezone_deviations(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return what reports whether the file of deviations is still true; skips where there is none."""
    from bluezone_harness.pytest_plugin.settings import read_settings

    if read_settings(request.config).deviations is None:
        pytest.skip("there is no file of deviations")
    run: SuiteRun = request.getfixturevalue("bluezone_run")
    return run.judge_deviations


# --- for tests of one's own ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bluezone_implementation(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """Start the implementation that ``--implementation`` names, to be asked; it ends after the module's last test.

    ``bluezone_implementation.ask("derive_ids", base_id="00" * 32, day=0, max=96, slots=[0])`` returns an answer of
    ``bluezone_harness.implementations.wire``; ``bluezone_implementation.hello`` is what it said of itself.
    """
    from bluezone_harness.pytest_plugin.implementation import implementation_of

    with implementation_of(request.config) as implementation:
        yield implementation


@pytest.fixture
def bluezone_check(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EvidenceCheck:
    """Return what judges captures, recordings and contact logs, and fails the test where they do not hold.

    ``bluezone_check("capture.pcapng", device="device.json")`` returns the result of ``bzc check``;
    ``bluezone_check.result(...)`` takes the same and never fails, for assertions of one's own.
    """
    from bluezone_harness.pytest_plugin.evidence import EvidenceCheck

    return EvidenceCheck(
        lambda: tmp_path_factory.mktemp("bluezone"),
        lambda text: request.node.add_report_section("call", "bluezone_check", text),
    )
