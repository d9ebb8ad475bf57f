"""Make what a release consists of, and try it; nothing here publishes anything.

    python .ci/release.py build FOLDER     sdist and wheel of what is committed, and SHA256SUMS
    python .ci/release.py sbom FOLDER      what the wheel brings along, as CycloneDX in sbom.cdx.json
    python .ci/release.py try FOLDER       the wheel in a clean environment, and the sample app as its users would

``build`` makes all of it twice, from two clones in other folders, with another umask, time zone and language, and the
wheel once more from the sdist: each time the octets must be the same.
``build`` needs hatchling in the environment that runs it, ``sbom`` needs cyclonedx-bom; the versions are those of
constraints.txt. All of it wants git and a package index; ``try`` wants Node too.
"""

from __future__ import annotations

import email
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = Path("examples", "sample-app")
BILL = "sbom.cdx.json"
SUMS = "SHA256SUMS"
WRONG_USAGE = 64
NAME = re.compile(r"[^A-Za-z0-9._-]")  # what ends the name of a requirement


class ReleaseError(Exception):
    """What was made is not fit to be released."""


def run(*command: str | Path, folder: Path, more: Mapping[str, str] | None = None, umask: int = -1) -> str:
    """Run a command in a folder; return what it prints, and raise ``ReleaseError`` where it fails."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BZC_", "TOX"))
    }
    done = subprocess.run(  # noqa: S603 (the commands of this file)
        [str(word) for word in command],
        cwd=folder,
        env={**kept, **(more or {})},
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise ReleaseError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{said}")
    return done.stdout


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, as hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def the_one(folder: Path, pattern: str) -> Path:
    """Return the only file of a folder that a pattern names."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ReleaseError(f"{pattern}: {len(found)} files where one is wanted")
    return found[0]


def add_up(release: Path) -> None:
    """Write the digests of all files of a release."""
    files = sorted(file for file in release.iterdir() if file.name != SUMS)
    (release / SUMS).write_text("".join(f"{digest(file)}  {file.name}\n" for file in files), "utf-8")


def build(out: Path, checkout: Path = ROOT) -> None:
    """Build sdist and wheel of the last commit twice, and the wheel a third time from the sdist.

    Args:
        out: Folder of what is made: sdist, wheel, SHA256SUMS. It must not hold another release.
        checkout: Whose last commit to take.

    Raises:
        ReleaseError: A build fails, or what it gives differs from another.
    """
    out.mkdir(parents=True, exist_ok=True)
    if list(out.iterdir()):
        raise ReleaseError(f"{out} is not empty")
    # every time stamp in the archives is that of the commit
    epoch = {"SOURCE_DATE_EPOCH": run("git", "log", "-1", "--format=%ct", folder=checkout).strip()}
    hatchling = (sys.executable, "-m", "hatchling", "build", "-t", "wheel")
    with tempfile.TemporaryDirectory() as scratch:
        made = [out.resolve(), Path(scratch, "other"), Path(scratch, "sdist")]
        for clone, folder, habits, umask in (
            (Path(scratch, "clone"), made[0], {}, -1),
            # somebody else, who lives elsewhere
            (
                Path(scratch, "a", "b c"),
                made[1],
                {"TZ": "Asia/Ho_Chi_Minh", "LC_ALL": "C", "LANG": "C"},
                0o077,
            ),
        ):
            run("git", "clone", "-q", "--no-hardlinks", checkout, clone, folder=checkout, umask=umask)
            run(*hatchling, "-t", "sdist", "-d", folder, folder=clone, more={**epoch, **habits}, umask=umask)
        with tarfile.open(the_one(out, "*.tar.gz")) as archive:
            archive.extractall(Path(scratch, "unpacked"), filter="data")
        run(*hatchling, "-d", made[2], folder=the_one(Path(scratch, "unpacked"), "*"), more=epoch)
        for folder in made[1:]:
            same(the_one(out, "*.whl"), the_one(folder, "*.whl"))
        if digest(the_one(out, "*.tar.gz")) != digest(the_one(made[1], "*.tar.gz")):
            raise ReleaseError("built twice, the sdist differs")
    add_up(out)


def same(wheel: Path, other: Path) -> None:
    """Raise ``ReleaseError`` unless two wheels have the same name and the same octets."""
    if wheel.name != other.name:
        raise ReleaseError(f"the same commit gives {wheel.name} and {other.name}")
    if digest(wheel) == digest(other):
        return
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(other) as two:
        members = [
            {info.filename: (info.CRC, info.date_time) for info in each.infolist()} for each in (one, two)
        ]
    differ = sorted(
        name for name in members[0].keys() | members[1].keys() if members[0].get(name) != members[1].get(name)
    )
    raise ReleaseError(
        f"built twice, {wheel.name} differs: {', '.join(differ[:10]) or 'in its order or compression'}"
    )


def environment(folder: Path, *wanted: str | Path) -> Path:
    """Make a new environment with what is wanted and nothing else, not even pip; return its interpreter."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=ROOT)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    # a pip of its own, so that the environment of whoever runs this need not have one
    pip = folder.with_name(folder.name + "-pip")
    run(sys.executable, "-m", "venv", pip, folder=ROOT)
    installer = pip / python.parent.name / "pip"
    constraints = ROOT / "constraints.txt"
    run(installer, "-q", "--python", python, "install", "-c", constraints, *wanted, folder=folder)
    return python


def canonical(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def metadata(wheel: Path) -> email.message.Message:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def sbom(release: Path) -> None:
    """Write the bill of materials of a release: its wheel, and what an installation of it brings along.

    Args:
        release: The folder; the bill, CycloneDX as JSON, is the same for the same wheel and the same versions.

    Raises:
        ReleaseError: It cannot be made, or does not name what the wheel says it needs.
    """
    wheel, out = the_one(release, "*.whl"), release / BILL
    told = metadata(wheel)
    needed = [text for text in told.get_all("Requires-Dist", []) if "extra ==" not in text]
    with tempfile.TemporaryDirectory() as scratch:
        python = environment(Path(scratch, "clean"), wheel.resolve())
        # the tool takes what the bill is of from a project file: this one says what the wheel says
        project = Path(scratch, "pyproject.toml")
        fields = {"name": "Name", "version": "Version", "description": "Summary"}
        lines = [f"{key} = {json.dumps(told[field])}\n" for key, field in fields.items()]
        lines.append(f"dependencies = {json.dumps(needed)}\n")
        project.write_text("[project]\n" + "".join(lines), "utf-8")
        words = ["--of", "JSON", "--output-reproducible", "--validate", "--mc-type", "application"]
        words += ["-o", str(out.resolve()), "--pyproject", str(project), str(python)]
        run(sys.executable, "-m", "cyclonedx_py", "environment", *words, folder=Path(scratch))
    bill = json.loads(out.read_text("utf-8"))
    subject = bill["metadata"]["component"]
    if (subject["name"], subject.get("version")) != (told["Name"], told["Version"]):
        raise ReleaseError(f"{out.name} is not of {told['Name']} {told['Version']}")
    named = {canonical(component["name"]) for component in bill["components"]}
    missing = [text for text in needed if canonical(NAME.split(text)[0]) not in named]
    if missing or not named:
        raise ReleaseError(f"{out.name} does not name {', '.join(sorted(missing)) or 'anything'}")
    add_up(release)


def try_wheel(release: Path) -> list[str]:
    """Try a release's wheel where nothing else of the project is; return what its last words were.

    Raises:
        ReleaseError: A command of it fails.
    """
    wheel = the_one(release, "*.whl")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        programs = environment(folder / "clean", wheel.resolve()).parent
        version = metadata(wheel)["Version"]
        said = run(programs / "bzc", "--version", folder=folder)
        if version not in said:
            raise ReleaseError(f"bzc says {said.strip()!r}, the wheel is {version}")
        run(programs / "bzc", "demo", folder=folder)
        # of the last commit, as the wheel is
        run("git", "clone", "-q", "--no-hardlinks", ROOT, folder / "clone", folder=folder)
        (folder / "clone" / SAMPLE).rename(folder / "sample")
        shutil.rmtree(folder / "clone")
        tox = environment(folder / "tox", "tox").with_name("tox")
        named = {
            "BLUEZONE_CONFORMANCE": str(wheel.resolve()),
            "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        }
        ran = run(tox, "--colored", "no", "--", "--seed", "1", folder=folder / "sample", more=named)
    words = [line for line in ran.splitlines() if line.startswith("conformant")]
    if words != ["conformant with deviations"]:
        raise ReleaseError(f"the sample is said to be {words}\n{ran}")
    return [said.strip(), *words]


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    try:
        match arguments:
            case ["build", folder]:
                build(Path(folder))
                print((Path(folder) / SUMS).read_text("utf-8"), end="")
            case ["sbom", folder]:
                sbom(Path(folder))
                print((Path(folder) / SUMS).read_text("utf-8"), end="")
            case ["try", folder]:
                print("\n".join(try_wheel(Path(folder))))
            case _:
                print(__doc__, file=sys.stderr)
                return WRONG_USAGE
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
