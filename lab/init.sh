#!/bin/sh
# The first program of a guest: its root is the host's, so what it needs is there.
cd "${0%/*}/.." && exec /usr/bin/python3 -S -m lab.init
