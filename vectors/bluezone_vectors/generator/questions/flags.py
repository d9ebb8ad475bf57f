"""What goes wrong in the field when a vector fails, told once."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

FLAGS = {
    "ids-match-nothing": "The phone sends ids that no published key expands to: everybody it met is told that there was no contact.",
    "guessable-ids": "Whoever guesses the base id knows every id of the phone, past and future, and can follow it.",
    "same-ids-on-two-days": "The same ids are sent on two days: whoever hears both knows that it is one phone.",
    "stale-ids": "After midnight, or when clock or setting change, the phone goes on with ids of another time, and its contacts are lost.",
    "platforms-disagree": "Two phones read one setting differently: what one of them sends the other expands to other slots.",
    "endless-work": "One wrong number keeps the phone busy until its battery is empty.",
    "published-key-matches-nothing": "The day key that is published is another than that of the days asked for: contacts of these days are not found.",
    "uploads-too-much": "A day key of an earlier day than asked for is published, and opens days that nobody needed.",
    "deaf-receivers": "Receivers do not recognise the phone, or take another for it: contacts are not recorded.",
    "deaf-to-other-stacks": "Phones whose Bluetooth stack orders or pads otherwise are not heard.",
    "contact-that-never-was": "Octets that were never an id are recorded, take part in matching and are uploaded.",
    "contact-lost": "A contact is not recorded, or recorded so that matching never finds it.",
    "one-advert-silences-all": "Anybody can send one advert that ends the app on every phone in reach.",
    "iphones-overlooked": "iPhones whose app is in the background are never read.",
    "wrong-record": "A record says what was not so: another own id, time or strength than there was.",
    "log-floods": "A record for every advert: a log fifty times as long that says no more.",
    "log-misread": "A server or an auditor misreads a line, or loses it with what stands around it.",
    "wrong-time-unit": "Seconds are taken for milliseconds: the contact moves to January 1970, and matching finds nothing.",
    "missed-warning": "Somebody who met an infected person is not warned.",
    "false-warning": "Somebody who met nobody is warned, goes into quarantine and uploads a log.",
    "bad-case-hides-good": "One malformed case of a message keeps everybody from being warned by the others.",
    "replay-window": "An id that was heard can be sent again and still make a hit, for longer than a slot.",
    "server-text-crashes": "One push with a mistake in it ends or blocks the app on every phone of the country.",
    "obeys-unknown-push": "The app does what nobody asked for: it guesses at a push that it does not know.",
    "old-build-not-recognised": "An audit cannot name an old build, and takes its faults for noise.",
}  # fmt: skip
"""Every flag with its explanation; a flag that no vector bears, and one that is not here, fail the lint."""
