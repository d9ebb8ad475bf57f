"""The image of the machine: Debian with BlueZ, its kernel, and what the project needs, built once and kept.

Theory of operation. The image is named by the digest of its recipe: this file, the first process of its initramfs, the
archives and the suite of this computer's apt, and what pip is asked for. It is built in a folder beside the kept ones
and moved into place when it is whole, with a list of what it consists of and their digests; where those do not agree
later it is built anew. Images of another recipe are removed: each takes some 300 MB.

Debian's packages come from the archives that this computer's apt uses, Python's from where its pip is told to look.
The image's Python is that of the suite, so this computer's own ``/usr/bin/python3`` chooses and compiles what it needs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import lzma
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHON = Path("/usr/bin/python3")
PACKAGES = ("bluez", "busybox-static", "dbus", "python3")
ALSO = ("pytest", "scapy")
"""Requirements of the extra ``test``, by their names: its others are for tests that do not run in the machine."""
PROGRAMS: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "modprobe": "kmod",
    "depmod": "kmod",
    "cpio": "cpio",
    "mke2fs": "e2fsprogs",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
}
"""What building takes: programs, and Debian's packages that have them."""
ROOT_MODULES = ("virtio_pci", "virtio_blk", "ext4", "9pnet_virtio", "9p", "crc32c_generic")
BLUETOOTH_MODULES = (
    *("sha3_generic", "sha512_generic", "jitterentropy_rng", "ctr", "drbg", "ecb", "cmac", "ecdh_generic"),
    *("algif_hash", "algif_skcipher", "bluetooth", "hci_vhci", "uhid"),
)
"""In this order: without the random numbers and curves before it the kernel's Bluetooth complains."""
FILES = ("root.ext4", "kernel", "initramfs")
CONTENTS = "contents.json"
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
MACHINE = "x86_64"
_NAME = re.compile(r"[^A-Za-z0-9._-].*")  # what ends the name of a requirement


class UnbuiltError(Exception):
    """There is no image, and none can be built here; one sentence says why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made of.

    Attributes:
        suite: Debian's name of its version.
        archives: Lines of apt, as in ``sources.list``.
        requirements: What pip is asked for.
        constraints: Which versions.
    """

    suite: str
    archives: tuple[str, ...]
    requirements: tuple[str, ...]
    constraints: str

    @property
    def key(self) -> str:
        """Names the image."""
        parts = [
            *(self.suite, *self.archives, "", *self.requirements, "", self.constraints),
            *(file.read_text("utf-8") for file in (Path(__file__), HERE / "initramfs-init")),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Image:
    """A whole image.

    Attributes:
        folder: Where it is.
        packages: Versions of what it consists of, by name.
        is_new: It was built just now.
    """

    folder: Path
    packages: Mapping[str, str]
    is_new: bool


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where images are kept: ``BZC_BLUEZ_CACHE``, else below the user's caches."""
    if told := environment.get("BZC_BLUEZ_CACHE"):
        return Path(told).expanduser().absolute()
    caches = environment.get("XDG_CACHE_HOME", "")
    return (
        Path(caches) if Path(caches).is_absolute() else Path.home() / ".cache"
    ) / "bluezone-conformance/bluez"


def requirements(project: Path = ROOT / "pyproject.toml") -> tuple[str, ...]:
    """Return what pip is asked for: what the project depends on, as far as the machine's tests need it."""
    table = tomllib.loads(project.read_text("utf-8"))["project"]
    optional = table["optional-dependencies"]
    also = [each for each in optional["test"] if _NAME.sub("", each) in ALSO]
    return tuple(sorted([*table["dependencies"], *optional["hci"], *also]))


def archives_of(listed: str, suite: str) -> tuple[str, ...]:
    """Return lines of apt for Debian's own archives.

    Args:
        listed: What ``apt-get indextargets`` says, a line for each: URI, release, component.
        suite: Debian's name of its version; other vendors' archives have releases of other names.
    """
    kept = []
    for line in listed.splitlines():
        uri, release, component = line.split("|")
        if release in (suite, f"{suite}-updates", f"{suite}-security") and component == "main":
            kept.append(f"deb {uri} {release} {component}")
    return tuple(dict.fromkeys(kept))


def missing_to_build() -> str:
    """Return why no image can be built here, or nothing."""
    lacking = sorted(
        {package for program, package in PROGRAMS.items() if not shutil.which(program, path=PATH)}
    )
    if platform.machine() != MACHINE:
        return f"the machine is built on {MACHINE} alone, and this is {platform.machine()}"
    if _release().get("ID") != "debian" or not PYTHON.exists():
        return "the machine is built on Debian with its python3 alone, or in a container of it"
    if lacking:
        return f"to build the machine takes Debian's packages {' '.join(lacking)}: apt-get install them"
    if os.geteuid() != 0:
        return "to build the machine takes root, once: as root, run tox -e bluez with BZC_BLUEZ_CACHE=FOLDER"
    return ""


def recipe() -> Recipe:
    """Return what this computer's image is made of.

    Raises:
        UnbuiltError: This computer's apt names no archive of Debian's.
    """
    suite = _release().get("VERSION_CODENAME", "")
    listed = ""
    if shutil.which("apt-get", path=PATH):
        asked = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
        listed = _run("apt-get", "indextargets", "--format", asked, "Created-By: Packages")
    archives = archives_of(listed, suite)
    if not archives:
        raise UnbuiltError(
            "this computer's apt names no archive of Debian's, from which the machine is built"
        )
    return Recipe(suite, archives, requirements(), (ROOT / "constraints.txt").read_text("utf-8"))


def kept(folder: Path) -> Image | None:
    """Return an image where it is there and whole."""
    try:
        contents = json.loads((folder / CONTENTS).read_text("utf-8"))
        for name in FILES:
            if _digest(folder / name) != contents["files"][name]:
                return None
        return Image(folder, contents["packages"], is_new=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def image(cache: Path, wanted: Recipe) -> Image:
    """Return the image of a recipe, built where there is none.

    Args:
        cache: Where images are kept.
        wanted: Of what it is made.

    Raises:
        UnbuiltError: There is none, and it cannot be built.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "lock"):
        if found := kept(cache / wanted.key):
            return found
        if reason := missing_to_build():
            raise UnbuiltError(reason)
        for each in cache.iterdir():
            if each.is_dir() and (each.name.startswith("new-") or (each / CONTENTS).exists()):
                shutil.rmtree(each)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=cache))
        try:
            packages = _build(new, wanted)
            files = {name: _digest(new / name) for name in FILES}
            (new / CONTENTS).write_text(json.dumps({"files": files, "packages": packages}, indent=1), "utf-8")
            new.chmod(0o755)
            shutil.rmtree(cache / wanted.key, ignore_errors=True)  # damaged, as it was not found
            new.rename(cache / wanted.key)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return Image(cache / wanted.key, packages, is_new=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let nobody else build meanwhile."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(folder: Path, wanted: Recipe) -> dict[str, str]:
    """Build an image into a folder; return the versions of what it consists of."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"bluez: {time.monotonic() - began:4.0f} s  {text}", flush=True)

    root, kernel = folder / "root", folder / "packages"
    say(f"Debian {wanted.suite} with {', '.join(PACKAGES)}")
    # the kernel is unpacked, not installed: nothing of what its scripts do is needed
    fetch = (
        'chroot "$1" sh -c "cd /boot && apt-get download -q '
        "\\$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \\(linux-image-[^ ]*\\)/\\1/p')\""
    )
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    words += ["--aptopt=APT::Install-Recommends false", f"--customize-hook={fetch}"]
    words += [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "locale", "man")]
    words += [f'--customize-hook=mkdir "{kernel}" && mv "$1"/boot/linux-image-*.deb "{kernel}"']
    _run(*words, wanted.suite, root, *wanted.archives)
    say("Python's packages")
    version = _run("chroot", root, "python3", "-V").strip()
    if version.rpartition(".")[0] != _run(PYTHON, "-V").strip().rpartition(".")[0]:
        raise UnbuiltError(f"the image's {version} is not that of {PYTHON}")
    constraints = folder / "constraints.txt"
    constraints.write_text(wanted.constraints, "utf-8")
    target = root / "opt/python"
    words = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--no-compile"]
    words += ["--only-binary=:all:", "--constraint", str(constraints), "--target", str(target)]
    _run(*words, *wanted.requirements)
    compile_tree(target)
    say("the kernel and its modules")
    found = sorted(kernel.glob("linux-image-*.deb"))
    if len(found) != 1:
        raise UnbuiltError(f"Debian's kernel came in {len(found)} packages where one is wanted")
    _run("dpkg-deb", "-x", found[0], kernel / "tree")
    release = next((kernel / "tree/lib/modules").iterdir()).name
    shutil.copy(kernel / "tree/boot" / f"vmlinuz-{release}", folder / "kernel")
    _run("depmod", "-b", kernel / "tree", release)
    early = _modules(kernel / "tree", release, ROOT_MODULES, folder / "early/modules")
    _modules(kernel / "tree", release, BLUETOOTH_MODULES, root / "opt/modules", early)
    say("initramfs and file system")
    _initramfs(folder, root / "bin/busybox")
    packages = dict(
        line.split("=", 1)
        for line in _run("chroot", root, "dpkg-query", "-W", "-f", "${Package}=${Version}\n").splitlines()
    ) | {"linux": release}
    for each in ("program", "results"):
        (root / each).mkdir()
    for each in ("var/lib/apt", "var/cache"):
        shutil.rmtree(root / each)
    (root / "etc/machine-id").write_text("", "utf-8")
    file_system(root, folder / "root.ext4")
    for each in ("root", "packages", "early"):
        shutil.rmtree(folder / each)
    constraints.unlink()
    say("done")
    return packages


def compile_tree(folder: Path) -> None:
    """Compile all modules of a folder for the image's Python: emulated, that takes long."""
    words = ("-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
    _run(PYTHON, *words, folder)


def file_system(folder: Path, file: Path) -> None:
    """Make a file system of a folder; what it holds belongs to root."""
    used = sum(each.lstat().st_size + 4096 for each in folder.rglob("*"))
    size = f"{used * 5 // 4 // 1024 + 8192}k"
    words = ("-q", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0", "-m", "0")
    _run("mke2fs", *words, "-d", folder, file, size)


def _modules(
    tree: Path, release: str, names: Sequence[str], folder: Path, loaded: Sequence[str] = ()
) -> tuple[str, ...]:
    """Copy modules and what they need beyond what is loaded; return the order in which they are to be."""
    folder.mkdir(parents=True)
    order: list[str] = []
    for name in names:
        for line in _run("modprobe", "-d", tree, "-S", release, "--show-depends", name).splitlines():
            word, _, rest = line.strip().partition(" ")
            path = Path(rest.strip())
            file = path.name.removesuffix(".xz")
            if word == "insmod" and file not in (*loaded, *order):
                octets = path.read_bytes()
                # Debian 13 packs them; who loads them here reads none that are packed
                (folder / file).write_bytes(lzma.decompress(octets) if file != path.name else octets)
                order.append(file)
    (folder / "order").write_text("".join(f"{each}\n" for each in order), "utf-8")
    return tuple(order)


def _initramfs(folder: Path, busybox: Path) -> None:
    """Make the file system with which the kernel begins."""
    early = folder / "early"
    for each in ("bin", "proc", "sys", "dev", "new"):
        (early / each).mkdir()
    shutil.copy(busybox, early / "bin/busybox")
    shutil.copy(HERE / "initramfs-init", early / "init")
    (early / "init").chmod(0o755)
    names = "\0".join(str(each.relative_to(early)) for each in sorted(early.rglob("*")))
    with (folder / "initramfs").open("wb") as file:
        subprocess.run(
            ["cpio", "--null", "--create", "--format=newc", "--quiet"],  # noqa: S607 - found on PATH
            cwd=early,
            env={**os.environ, "PATH": PATH},
            input=names.encode(),
            stdout=file,
            check=True,
        )


def _release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _digest(file: Path) -> str:
    with file.open("rb") as octets:
        return hashlib.file_digest(octets, "sha256").hexdigest()


def _run(*words: str | Path) -> str:
    """Run a command; return what it prints.

    Raises:
        UnbuiltError: It failed, or is not there.
    """
    command = [str(word) for word in words]
    # nothing of this run's own Python reaches the image's
    kept_environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(  # noqa: S603 - the commands of this file
            command,
            env={**kept_environment, "PATH": PATH, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise UnbuiltError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        said = " / ".join(lines[-5:])
        raise UnbuiltError(f"{' '.join(command[:4])} ...: exit code {done.returncode}: {said}")
    return done.stdout
