"""What charon is told: its own settings, the key, the connection. Values only."""

from pathlib import Path
from typing import Final

from agents.exit.ipsec import IpsecTunnel, Section

CONNECTION: Final = "provider"
CHILD: Final = "l2tp"
_L2TP: Final = "dynamic[17/1701]"  # by number: slim images know no protocol names

# Root, also where charon was built to become somebody else: that takes capabilities
# which a container has not. Retransmits after 2, 5 and 9.5 s, the end after 16 s: long
# enough for a bad line, short enough to try again.
_DAEMON: Final = """\
charon {{
  user = root
  group = root
  load_modular = no
  load = random nonce openssl sha1 sha2 md5 aes hmac kdf gmp drbg \
kernel-netlink socket-default vici
  port = {port}
  port_nat_t = {port_nat_t}
  install_routes = no
  install_virtual_ip = no
  interfaces_ignore = ppp0
  retransmit_tries = 3
  retransmit_timeout = 2.0
  retransmit_base = 1.5
  threads = 8
  filelog {{
    stderr {{
      default = 1
      enc = 0
      net = 0
      flush_line = yes
    }}
  }}
  syslog {{
    daemon {{
      default = -1
    }}
    auth {{
      default = -1
    }}
  }}
  plugins {{
    vici {{
      socket = unix://{socket}
    }}
  }}
}}
"""


def daemon(socket: Path, *, fresh_ports: bool) -> str:
    """The text of strongswan.conf; `fresh_ports`: any free ones, not the usual."""
    port, port_nat_t = (0, 0) if fresh_ports else (500, 4500)
    return _DAEMON.format(port=port, port_nat_t=port_nat_t, socket=socket)


def shared(tunnel: IpsecTunnel) -> Section:
    """The pre-shared key, as charon's command `load-shared` takes it."""
    owners = [tunnel.server]
    if not tunnel.remote_id.startswith("%"):
        owners.append(tunnel.remote_id)
    key = tunnel.psk.reveal()
    return {"id": CONNECTION, "type": "ike", "data": key, "owners": owners}


def connection(tunnel: IpsecTunnel) -> Section:
    """The connection, as charon's command `load-conn` takes it under a name."""
    esp = tunnel.proposals.esp_proposals(pfs=tunnel.pfs)
    return {
        "version": "1",
        "local_addrs": [tunnel.local],
        "remote_addrs": [tunnel.server],
        "proposals": list(tunnel.proposals.ike),
        "unique": "replace",
        "keyingtries": "1",
        "rekey_time": "4h",
        "dpd_delay": "5s",
        "dpd_timeout": "15s",
        "local": {"auth": "psk"},
        "remote": {"auth": "psk", "id": tunnel.remote_id},
        "children": {
            CHILD: {
                "mode": "transport",
                "local_ts": [_L2TP],
                "remote_ts": [_L2TP],
                "esp_proposals": list(esp),
                # L2TP never goes on in the clear: without ESP the policy holds it.
                "start_action": "trap",
                "dpd_action": "trap",
                "close_action": "trap",
            }
        },
    }
