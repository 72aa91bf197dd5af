"""How long clients are without a way out when one fails: ours beside others' systems.

Every system stands on the same nodes, meets the same faults and is measured by the same
stream of packets, so that the figures compare.
"""
