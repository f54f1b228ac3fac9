"""For all tests: Ctrl-C means Ctrl-C, also where the tests themselves run in the background.

A shell starts background jobs with SIGINT ignored, and so would be every process that a test starts; a
test that waits for its child to obey an interrupt would wait for ever. A handler, unlike "ignore", is not
inherited.
"""

import signal
import threading

if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
