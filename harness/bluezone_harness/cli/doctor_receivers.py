"""The ways to listen, for ``bzc doctor``: which are installed here, and which nobody could try on hardware.

A way has parts, which are installed packages, and systems on which there is such a thing. Whether a Bluetooth service
runs, or a dongle is plugged in, is not looked for: that would load and start what it asks about. ``bzc sniff`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .output import printable

NOT_TRIED = "not tried on hardware"
"""How people are told, here and in the guide."""
_INSTALL_HCI = "pip install 'bluezone-conformance[hci]'"
_INSTALL_SCAPY = "pip install 'bluezone-conformance[scapy]'"
_EVERYWHERE = ("Linux", "Darwin", "Windows")
_BLEAK = {
    "Linux": ("bleak", "dbus-fast"),
    "Darwin": ("bleak", "pyobjc-framework-corebluetooth"),
    "Windows": ("bleak", "winrt-windows-devices-bluetooth-advertisement"),
}
"""bleak, and what it takes of each system. Source: the packages that bleak 3 asks for."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to listen.

    Attributes:
        command: That takes it.
        title: What listens.
        parts: The distributions that it takes, by the operating system; on any other there is no such way.
        advice: What to install where one is missing.
        tried: What it was tried with in place of hardware; empty: nothing.
    """

    command: str
    title: str
    parts: Mapping[str, tuple[str, ...]]
    advice: str
    tried: str


WAYS = (
    Way("bzc sniff", "this computer's Bluetooth", _BLEAK, "pip install bleak", "virtual phones"),
    Way(
        "bzc sniff --hci usb:0",
        "a dongle on USB",
        dict.fromkeys(_EVERYWHERE, ("bumble", "libusb1")),
        _INSTALL_HCI,
        "",
    ),
    Way(
        "bzc sniff --hci serial:PORT",
        "a development board with HCI firmware",
        dict.fromkeys(_EVERYWHERE, ("bumble", "pyserial-asyncio")),
        _INSTALL_HCI,
        "",
    ),
    Way(
        "bzc sniff --hci tcp-client:HOST:PORT",
        "a controller that is served on the network",
        dict.fromkeys(_EVERYWHERE, ("bumble",)),
        _INSTALL_HCI,
        "virtual phones",
    ),
    Way(
        "bzc sniff --hci hci-socket:0",
        "a controller that the kernel lends",
        {"Linux": ("bumble",)},
        _INSTALL_HCI,
        "virtual phones",
    ),
    Way(
        "bzc sniff --hci-socket 0",
        "an adapter that the kernel lends, without bumble",
        {"Linux": ("scapy",)},
        _INSTALL_SCAPY,
        "virtual phones",
    ),
    Way(
        "bzc sniff --hci android-netsim",
        "the simulated radio of Android emulators",
        dict.fromkeys(_EVERYWHERE, ("bumble", "grpcio", "protobuf")),
        f"{_INSTALL_HCI} grpcio protobuf",
        "",
    ),
    Way(
        "bzc sniff -",
        "a sniffer's stream",
        dict.fromkeys(_EVERYWHERE, ()),
        "",
        "captures of phones' own hosts, and of virtual phones",
    ),
)
"""Every way that ``bzc sniff`` is told of. No one had radio hardware: none of them was tried on it."""


@dataclass(frozen=True, slots=True)
class FoundWay:
    """A way to listen, as it is found here.

    Attributes:
        command: That takes it.
        title: What listens.
        works: All its parts are installed, on a system that has such a way.
        missing: The distributions that are missing.
        tried_on_hardware: Somebody of this project has seen it work on a radio.
        tried_with: What it was tried with instead; empty: nothing.
        advice: What to do; empty where nothing is to be done.
    """

    command: str
    title: str
    works: bool
    missing: tuple[str, ...]
    tried_on_hardware: bool
    tried_with: str
    advice: str


def found_ways(platform: str, version: Callable[[str], str | None]) -> Iterator[FoundWay]:
    """Yield the ways to listen, as they are found.

    Args:
        platform: The operating system, as ``platform.system`` calls it.
        version: Gives the version of an installed package by its name; ``None``: it is not installed.
    """
    for way in WAYS:
        parts = way.parts.get(platform)
        missing = tuple(part for part in parts or () if version(part) is None)
        advice = way.advice if missing else ""
        if parts is None:
            advice = f"there is no such way on {platform or 'this system'}: take another"
        works = parts is not None and not missing
        yield FoundWay(way.command, way.title, works, missing, False, way.tried, advice)


def way_text(way: FoundWay) -> str:
    """Return a way to listen as one line for people, without its state."""
    otherwise = f"only with {way.tried_with}" if way.tried_with else "nor otherwise"
    text = f"{way.command}: {way.title}; {NOT_TRIED}, {otherwise}"
    if way.missing:
        text += f"; it lacks {', '.join(way.missing)}"
    return f"{text}; {printable(way.advice)}" if way.advice else text
