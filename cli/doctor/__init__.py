"""`vpnchain doctor`: what is wrong with a machine and its chain, and what to do."""
