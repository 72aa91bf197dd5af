"""The dashboard: the chain as one page in a browser, seen live and steered."""
