"""A corpus where others can open, load and cite it: a Hugging Face dataset, a bucket, a folder.

``publish()`` in ``publish.py`` is all of it on one screen. What goes there is made in ``bundle.py``; where it
goes is a ``Target``.
"""
