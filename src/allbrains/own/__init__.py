"""One own scan among all the others: the same steps, then a page. Nothing leaves the machine."""
