"""A stand-in for the Hugging Face Hub: its upload and download protocol on this machine, for tests.

``HubServer`` in ``server.py`` speaks to the unmodified client (``HF_ENDPOINT``); ``state.py`` keeps what was
committed on disk; ``faults.py`` makes it misbehave.
"""
