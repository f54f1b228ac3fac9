"""A person's own scans: a folder, stick or archive of anything → its series → the T1w as a clean NIfTI.

Rules:
* Text of the headers stays inside: names, dates, ids, places and free texts are compared or looked up in a
  list of known words, and never returned, printed or written.
* Of a file's own name, an archive member's too, only known words are looked up; it is not kept.
* What can't become a whole head is refused by ``Unsuitable``: what is wrong, and what to do next.
"""
