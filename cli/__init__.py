"""`vpnchain`: what a person types."""
