"""The Bluezone protocol, pure: key schedule, advertisement, receiver, contact log, matching and messages.

Theory of operation. Nothing here opens a file, reads a clock, draws a random number or talks to a network: octets,
instants and random numbers come in as arguments, and values go out. Instants are integer milliseconds since the Unix
epoch, UTC (``time_ms``); ids and keys are ``bytes``. A caller's mistake raises ``ValueError``, of which
``RefusedError`` is the kind that the specification has a code for; malformed input from outside raises
``MalformedError``. Each module holds one idea and is imported by its own name:

=====================  ==========================================================================
``key_schedule``       base id -> day keys -> subkeys -> rolling ids, slots, the published day key
``rolling_id_source``  what a phone sends while its clock and its setting move
``weak_bases``         base ids that no random source would have given
``ad_structures``      AdvData taken apart and put together
``android_form``       the form in which Android phones send a rolling id, known at a glance
``advertisement``      what an advertisement says, and how one is written
``name_obfuscation``   the local name of the first generation's iPhones
``heard_content``      what an advert says to a receiver, under each profile
``receiver``           what an advert or a GATT value puts into the contact log
``contact_log``        records, ``data_trace.txt`` and the SQLite schema
``positive_cases``     the published positive cases, read strictly
``matching``           expansion of positive cases, and their hits in a contact log
``proximity``          the app's classes of nearness
``json_text``          JSON from outside, read strictly
``pushes``             what the server sends to a phone
``key_material``       what an upload says of a phone's keys
``multipart``          the octets of an upload's body
``uploads``            the uploads and their twins, and the app's own log file
``requests``           registration, profile and health declaration
``request_answers``    the envelope of the answers, and the status codes
``profiles``           v3, the exact builds, and the older generations
``errors``             the closed table of reject codes, and the errors that carry them
=====================  ==========================================================================

Optimised for reading. What is fast lives in the harness and is held equal to this by test.
"""

__version__ = "0.1.0.dev0"
