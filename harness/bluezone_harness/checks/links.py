"""Links between sightings: chains of addresses and ids, and ids that were in two places at once.

Theory of operation.

- Two sightings are linked if they share an address or an id (BZ-PRV-001). Addresses and ids are the nodes of a
  graph, what was heard of them its edges; the longest linkable time is that of the connected part which lasts
  longest, and its chain the shortest way from its first edge to its last.
- One id from two addresses at once (BZ-PRV-009): by one clock, two on-windows overlap. By two clocks nobody knows
  how far they differ. Each pair of on-windows rules out the differences at which it would overlap; if all that
  come into question are ruled out, the id was in two places however the clocks stood. Addresses that both
  receivers heard narrow down how the clocks stand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from bluezone_harness.checks.heard import HeardId, by_id, on_air
from bluezone_harness.checks.heard_text import address_text, id_text, length_text
from bluezone_harness.checks.spans import US, Clock, clock_of
from bluezone_harness.checks.subjects import Rules

_Node = tuple[bool, bytes]
"""An id (true) or an address (false), and its octets."""
_LONGEST_TEXT = 9
"""Nodes of a chain that a report repeats."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Sightings that are linked to each other.

    Attributes:
        first: The earliest of them.
        last: The latest of them.
        path: What leads from the first to the last: addresses and ids in turn, as text.
        links: What was heard on that way, from the first to the last.
        addresses: How many addresses are linked.
        ids: How many ids are linked.
    """

    first: HeardId
    last: HeardId
    path: tuple[str, ...]
    links: tuple[HeardId, ...]
    addresses: int
    ids: int

    @property
    def length_us(self) -> int:
        """The linkable time: from the first advert to the last."""
        return self.last.last_us - self.first.first_us

    @property
    def text(self) -> str:
        """The chain for people: how long, and what leads from one end to the other."""
        path = list(self.path)
        if len(path) > _LONGEST_TEXT:
            path[_LONGEST_TEXT // 2 : -(_LONGEST_TEXT // 2)] = [f"({len(path) - _LONGEST_TEXT + 1} more)"]
        return f"{length_text(self.length_us)}: {' -> '.join(path)}"


def longest_chain(heard: Iterable[HeardId]) -> Chain | None:
    """Return the chain of links that lasts longest.

    Args:
        heard: In any order. What has no address that was on the air is linked by its id alone.

    Returns:
        The longest, the earliest of several; ``None`` where nothing was heard.
    """
    edges = sorted(heard, key=lambda each: (each.first_us, each.last_us, each.octets, each.address or b""))
    if not edges:
        return None
    around: dict[_Node, list[HeardId]] = {}
    for edge in edges:
        for node in _nodes(edge):
            around.setdefault(node, []).append(edge)
    parts: dict[_Node, int] = {}
    for start in around:
        if start not in parts:
            parts.update(dict.fromkeys(_reached(start, around), len(parts)))
    members: dict[int, list[HeardId]] = {}
    for edge in edges:
        members.setdefault(parts[_nodes(edge)[0]], []).append(edge)
    longest = max(members.values(), key=_length_us)
    first, last = longest[0], max(longest, key=lambda each: each.last_us)
    links = _way(first, last, around)
    addresses = {each.address for each in longest if on_air(each.address, each.address_type)}
    return Chain(first, last, _path(links), links, len(addresses), len(by_id(longest)))


def _length_us(edges: Sequence[HeardId]) -> int:
    return max(each.last_us for each in edges) - edges[0].first_us


def _nodes(edge: HeardId) -> tuple[_Node, ...]:
    """Return the id of an edge and, where there is one, its address."""
    if edge.address is None or not on_air(edge.address, edge.address_type):
        return ((True, edge.octets),)
    return (True, edge.octets), (False, edge.address)


def _reached(start: _Node, around: dict[_Node, list[HeardId]]) -> set[_Node]:
    reached = {start}
    ahead = [start]
    while ahead:
        for edge in around[ahead.pop()]:
            for node in _nodes(edge):
                if node not in reached:
                    reached.add(node)
                    ahead.append(node)
    return reached


def _way(first: HeardId, last: HeardId, around: dict[_Node, list[HeardId]]) -> tuple[HeardId, ...]:
    """Return the fewest links that lead from one to another, both included."""
    came: dict[HeardId, HeardId | None] = {first: None}
    known: set[_Node] = set()
    ahead = deque([first])
    while last not in came:
        edge = ahead.popleft()
        for node in _nodes(edge):
            if node in known:
                continue
            known.add(node)
            for other in around[node]:
                if other not in came:
                    came[other] = edge
                    ahead.append(other)
    way: list[HeardId] = []
    step: HeardId | None = last
    while step is not None:
        way.append(step)
        step = came[step]
    return tuple(reversed(way))


def _path(links: Sequence[HeardId]) -> tuple[str, ...]:
    """Return addresses and ids along a way, each once."""
    path: list[_Node] = []
    for link, following in zip(links, [*links[1:], None], strict=True):
        nodes = list(reversed(_nodes(link)))  # address before id
        if following is not None and _nodes(following)[-1] == nodes[0] and len(nodes) > 1:
            nodes.reverse()  # the address is what leads on
        path.extend(node for node in nodes if node not in path)
    static = {(True, link.octets): link.static for link in links}
    return tuple(id_text(node[1], static[node]) if node[0] else address_text(node[1]) for node in path)


# --- one id in two places at once ---


@dataclass(frozen=True, slots=True)
class AtOnce:
    """An id that was heard from two addresses at once.

    Attributes:
        one: The on-window that began first, by its own clock.
        other: The one from another address.
        length_us: For how long they overlap, by one clock; ``None`` between two clocks.
    """

    one: HeardId
    other: HeardId
    length_us: int | None


def at_once(heard: Iterable[HeardId], rules: Rules) -> tuple[AtOnce, ...]:
    """Return on-windows of one id and different addresses that overlap.

    Args:
        heard: In any order; what has no address that was on the air is passed over.
        rules: For the tolerances ``clock_offset`` and ``window_pause``.

    Returns:
        All by one clock; for two clocks one pair an id.
    """
    found: list[AtOnce] = []
    for windows in by_id(each for each in heard if on_air(each.address, each.address_type)).values():
        if len({each.address for each in windows}) == 1:
            continue
        by_clock: dict[Clock, list[HeardId]] = {}
        for each in windows:
            by_clock.setdefault(clock_of(each), []).append(each)
        for clock in sorted(by_clock):
            found.extend(_overlaps(by_clock[clock]))
        for one, other in combinations(sorted(by_clock), 2):
            pair = _overlap_of_clocks(by_clock[one], by_clock[other], rules)
            if pair is not None:
                found.append(pair)
    return tuple(found)


def _overlaps(windows: list[HeardId]) -> list[AtOnce]:
    """Return the overlapping pairs by one clock: one was heard before and after the other was."""
    found: list[AtOnce] = []
    active: list[HeardId] = []
    for window in sorted(windows, key=lambda each: (each.first_us, each.last_us, each.address or b"")):
        active = [each for each in active if each.last_us > window.first_us]
        found.extend(
            AtOnce(each, window, min(each.last_us, window.last_us) - window.first_us)
            for each in active
            if each.address != window.address
        )
        active.append(window)
    return found


def _overlap_of_clocks(windows: Sequence[HeardId], others: Sequence[HeardId], rules: Rules) -> AtOnce | None:
    """Return a pair that overlaps, if some pair does at each difference the two clocks can have."""
    least_us, most_us = _differences_us(windows, others, rules)
    ruled_out: list[tuple[int, int, HeardId, HeardId]] = []
    starts = sorted(others, key=lambda each: each.first_us)
    firsts = [each.first_us for each in starts]
    longest_us = max(each.last_us - each.first_us for each in others)
    for window in windows:
        # an other overlaps where window.first - other.last < difference < window.last - other.first
        near = bisect_left(firsts, window.first_us - most_us - longest_us)
        for other in starts[near:]:
            if other.first_us + least_us > window.last_us:
                break
            if other.address != window.address:
                ruled_out.append(
                    (window.first_us - other.last_us, window.last_us - other.first_us, window, other)
                )
    reached_us = least_us
    pair: AtOnce | None = None
    for from_us, until_us, window, other in sorted(ruled_out, key=lambda each: each[:2]):
        if from_us >= reached_us:  # an interval without its ends: the difference ``reached_us`` is possible
            break
        if until_us > reached_us:
            reached_us = until_us
            pair = pair or AtOnce(window, other, None)
    return pair if reached_us > most_us else None


def _differences_us(windows: Sequence[HeardId], others: Sequence[HeardId], rules: Rules) -> tuple[int, int]:
    """Return the least and the greatest time by which the first clock can be ahead of the second.

    An on-window that both heard was going on at both, but for its ends, which either may have missed.
    """
    allowed_us = rules.tolerances["clock_offset"] * US
    pause_us = rules.tolerances["window_pause"] * US
    least_us, most_us = -allowed_us, allowed_us
    ours, theirs = _once(windows), _once(others)
    common = [(ours[address], theirs[address]) for address in sorted(ours.keys() & theirs.keys())]
    if common:
        near_us = max(one.first_us - other.last_us for one, other in common) - pause_us
        far_us = min(one.last_us - other.first_us for one, other in common) + pause_us
        if near_us <= far_us:
            return near_us, far_us
    return least_us, most_us


def _once(windows: Sequence[HeardId]) -> dict[bytes, HeardId]:
    """Return the on-windows whose address has no other, by address."""
    counts = Counter(each.address for each in windows)
    return {each.address: each for each in windows if each.address is not None and counts[each.address] == 1}
