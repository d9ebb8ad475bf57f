"""The plugin's hooks: vectors as items, selection by id, JUnit, xdist, and what it costs whoever does not use it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator

import pytest

from bluezone_vectors.pack import load

pytest_plugins = ("pytester",)

VECTOR = "derive-ids-executed-zero-max-96-day-2"
SUITE = ("--pyargs", "bluezone_vectors.suite")
FAULT = "half-open-interval"

Run = Callable[..., pytest.RunResult]
AdapterOf = Callable[..., str]


def junit_cases(
    pytester: pytest.Pytester, name: str = "out.xml"
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each case of a JUnit file with its properties."""
    for case in ElementTree.parse(pytester.path / name).iter("testcase"):
        yield (
            case.get("name", ""),
            [(each.get("name", ""), each.get("value", "")) for each in case.iter("property")],
        )


def test_one_item_a_vector_is_listed_without_anybody_to_answer(run: Run) -> None:
    done = run(*SUITE, "--collect-only", "-q")
    assert done.ret == 0
    listed = {line.partition("[")[2].rstrip("]") for line in done.outlines if "test_vector[" in line}
    assert listed == {vector.id for vector in load().vectors if vector.profile == "v3"}


def test_another_profile_has_its_own_vectors(run: Run) -> None:
    done = run(*SUITE, "--collect-only", "-q", "--bluezone-profile", "v1")
    listed = [line for line in done.outlines if "test_vector[" in line]
    assert len(listed) == sum(vector.profile == "v1" for vector in load().vectors) > 0
    refused = run(*SUITE, "--collect-only", "-q", "--bluezone-profile", "v9")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "selection", [("-k", "BZ-KEY-003 and derive_ids"), ("--bluezone-req", "BZ-KEY-003", "-k", "derive_ids")]
)
def test_vectors_are_selected_by_requirement(
    run: Run, pytester: pytest.Pytester, adapter: AdapterOf, selection: tuple[str, ...]
) -> None:
    done = run(*SUITE, "--implementation", adapter(), *selection, "--junit-xml", "out.xml")
    assert done.ret == 0
    wanted = [
        vector.id
        for vector in load().vectors
        if (vector.profile, vector.operation) == ("v3", "derive_ids") and "BZ-KEY-003" in vector.requirements
    ]
    cases = dict(junit_cases(pytester))
    assert sorted(cases) == sorted(f"test_vector[{name}]" for name in wanted)
    assert len(wanted) > 5
    for properties in cases.values():
        assert {("requirement", "BZ-KEY-003"), ("operation", "derive_ids"), ("level", "MUST")} <= set(
            properties
        )


def test_junit_says_what_was_tested(run: Run, pytester: pytest.Pytester, adapter: AdapterOf) -> None:
    run(*SUITE, "--implementation", adapter(), "-k", VECTOR, "--junit-xml", "out.xml", "--bluezone-seed", "7")
    suite = ElementTree.parse(pytester.path / "out.xml").find(".//testsuite/properties")
    assert suite is not None
    said = {each.get("name"): each.get("value") for each in suite}
    assert said["bluezone.seed"] == "7"
    assert said["bluezone.profile"] == "v3"
    assert said["bluezone.vectors"] == f"{load().version}, sha256 {load().digest}"
    assert str(said["bluezone.implementation"]).startswith("bluezone-reference ")


OWN_TESTS = """
    import pytest

    @pytest.mark.req("BZ-KEY-003", "F-02")
    def test_key(): pass

    @pytest.mark.req("BZ-LOG-001")
    def test_log(): pass

    @pytest.mark.req("T-1", 7)
    def test_of_another_project(): pass

    def test_without(): pass
"""


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["BZ-KEY-003"], ["test_key"]),
        (["BZ-LOG-001", "F-02"], ["test_key", "test_log"]),
        (["BZ-*"], ["test_key", "test_log"]),
        (["BZ-MAT-*"], []),
    ],
)
def test_own_tests_are_selected_by_their_marks(
    run: Run, pytester: pytest.Pytester, ids: list[str], names: list[str]
) -> None:
    pytester.makepyfile(OWN_TESTS)
    options = [option for name in ids for option in ("--bluezone-req", name)]
    done = run(*options, "--junit-xml", "out.xml", "--strict-markers")
    assert sorted(name for name, _ in junit_cases(pytester)) == names
    assert done.ret == (0 if names else pytest.ExitCode.NO_TESTS_COLLECTED)


def test_marks_of_own_tests_are_properties_where_they_are_ids(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OWN_TESTS)
    assert run("--junit-xml", "out.xml").ret == 0
    cases = dict(junit_cases(pytester))
    assert cases["test_key"] == [("requirement", "BZ-KEY-003"), ("fault", "F-02")]
    assert cases["test_of_another_project"] == cases["test_without"] == []


def test_under_xdist_the_verdicts_are_the_same(
    run: Run, pytester: pytest.Pytester, adapter: AdapterOf, deviations: Callable[..., str]
) -> None:
    pytest.importorskip("xdist")
    known = deviations("match-slot-*-at-the-end", more="count = 4")
    chosen = (
        *SUITE,
        "-k",
        "match-slot or match-end or test_deviations",
        "--implementation",
        adapter(FAULT),
        "--deviations",
        known,
    )
    alone = run(*chosen, "-rA")
    several = run(*chosen, "-rA", "-n", "2", "-p", "xdist")
    assert several.ret == alone.ret == 1

    def outcomes(done: pytest.RunResult) -> set[str]:
        words = ("PASSED ", "FAILED ", "XFAIL ")
        return {line.partition(" - ")[0] for line in done.outlines if line.startswith(words)}

    assert outcomes(several) == outcomes(alone)
    assert len(outcomes(alone)) > 20
    assert several.parseoutcomes()["xfailed"] == 4
    # both workers drew the same seed, and what they say is told once
    said = [line for line in several.outlines if "questions, seed " in line]
    assert len(said) == 1
    assert said[0].startswith(f"bluezone-{FAULT} ")


def test_whoever_does_not_use_it_imports_next_to_nothing(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_imports():
            ours = {name for name in sys.modules if name.startswith("bluezone_")}
            plugin = "bluezone_harness.pytest_plugin"
            assert ours == {"bluezone_harness", plugin, plugin + ".options"}
        """
    )
    done = run(elsewhere=True)
    assert done.parseoutcomes() == {"passed": 1}
    assert "bluezone:" not in done.stdout.str()


def test_without_the_plugin_the_suite_does_not_pass(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_subprocess("-p", "no:bluezone", *SUITE)
    assert done.parseoutcomes() == {"errors": 2}
