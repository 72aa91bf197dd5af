"""The Debian variant of every image, built for real, on a base made by debootstrap."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.containers.dockerd import Docker, run
from tests.needs import CACHE

ROOT: Final = Path(__file__).parents[2]
SUITE: Final = "bookworm"
BASE: Final = f"vpnchain-base:{SUITE}"
MIRROR: Final = "http://deb.debian.org/debian"
AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
TARGETS: Final = (
    *("exit", "entry", "coordinator", "containers", "dashboard", "metrics"),
    "homeassistant",
    *("broker", "socket-proxy", "tools", "provider"),
)
# As Debian's slim images are made.
UNWANTED: Final = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
)
PIP_CONF: Final = "[global]\ncert = /run/secrets/pip_ca\n"


def base() -> Path:
    """The base as a tar file, made once for all runs."""
    folder = CACHE / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    tar = folder / f"{SUITE}.tar"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tar.exists():
            with tempfile.TemporaryDirectory(dir=folder) as made:
                _make(Path(made), tar)
    return tar


def _make(folder: Path, tar: Path) -> None:
    root, draft = folder / "root", folder / "draft.tar"
    run(["debootstrap", "--variant=minbase", SUITE, str(root), _mirror()], os.environ)
    for path in UNWANTED:
        shutil.rmtree(root / path, ignore_errors=True)
    for file in (root / "var/cache/apt/archives").glob("*.deb"):
        file.unlink()
    for file in (root / "var/lib/apt/lists").glob("*_*"):
        file.unlink()
    for folder_of_devices in ("proc", "sys"):
        assert not any((root / folder_of_devices).iterdir())
    run(["tar", "-C", str(root), "-cf", str(draft), "."], os.environ)
    draft.rename(tar)


def _mirror() -> str:
    """Where this machine takes its own packages from."""
    wanted = ["Created-By: Packages", f"Codename: {SUITE}"]
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted]
    said = subprocess.run(argv, check=False, capture_output=True, text=True)
    return (said.stdout.split() or [MIRROR])[0]


def build(docker: Docker, folder: Path) -> None:
    """All targets, as vpnchain-TARGET."""
    docker("import", str(base()), BASE)
    conf = folder / "pip.conf"
    conf.write_text(PIP_CONF)
    secrets = [f"id=pip_conf,src={conf}", f"id=pip_ca,src={AUTHORITIES}"]
    arguments = ["BASE=debian", f"DEBIAN_IMAGE={BASE}"]
    for target in TARGETS:
        docker(
            *("build", "--network", "host", "-f", str(ROOT / "images/Dockerfile")),
            *(word for one in secrets for word in ("--secret", one)),
            *(word for one in arguments for word in ("--build-arg", one)),
            *("--target", target, "-t", f"vpnchain-{target}", str(ROOT)),
        )
