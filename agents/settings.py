"""The settings of the whole chain: one TOML file, environment, secret files.

The one rule: everything is checked before anything is touched, and a misfit is one line
that names file, key, got and wanted. `check` touches nothing; `load` reads.
"""

import difflib
import re
import tomllib
import typing
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from agents.settings_checks import claims
from agents.settings_model import (
    BrokerSettings,
    ExitSecrets,
    ExitSettings,
    Settings,
    SettingsError,
)
from agents.small_file import read_text
from bus.codec import convert
from bus.errors import PayloadError
from bus.names import ID
from bus.secret import Secret
from bus.wire import Broker

PREFIX: Final = "VPNCHAIN_"
USUAL_FILE: Final = Path("config/vpnchain.toml")

# pppd cuts off what is longer, without a word. Source: MAXSECRETLEN and MAXNAMELEN are
# 256 in ppp 2.4.9 and 2.5, with the zero at the end.
PPP_BYTES: Final = 255
FOR_PPP: Final = ("vpn_username", "vpn_password")
SECRET_BYTES: Final = 1_024  # no key of a provider is as long; charon takes 65,535

# Variables with the prefix that are no keys.
OTHERS: Final = (f"{PREFIX}SETTINGS", f"{PREFIX}NAME", f"{PREFIX}LAB_")
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
SERVER_NAME: Final = re.compile(rf"({_LABEL}\.)+(?=[A-Za-z]){_LABEL}")


def load(
    path: Path | None, environment: Mapping[str, str], *, exit_name: str = ""
) -> Settings:
    """The settings from file and environment, the latter winning; checked.

    Without a path VPNCHAIN_SETTINGS names the file, or it is `config/vpnchain.toml` if
    there is one, or there are only defaults.

    Raises:
        SettingsError: Something does not fit.
    """
    named = environment.get(f"{PREFIX}SETTINGS", "")
    path = path or (Path(named) if named else None)
    if path is None and USUAL_FILE.exists():
        path = USUAL_FILE
    data: dict[str, Any] = {}
    if path is not None:
        text = read_text(path, "file")
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # TOMLDecodeError is but one
            raise SettingsError(str(path), "file", str(error), "TOML") from error
    return check(data, environment, file=str(path or "defaults"), exit_name=exit_name)


def check(
    data: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    file: str,
    exit_name: str = "",
) -> Settings:
    """The settings that parsed data and environment stand for.

    Raises:
        SettingsError: Something does not fit.
    """
    exits = data.get("exits", {})
    exits = _convert(dict[str, dict[str, Any]], exits, file, "exits")
    rest = {key: value for key, value in data.items() if key != "exits"}
    settings = _convert(Settings, rest, file, "")
    given = _given(environment)
    _judge(_overridden(settings, given), file, given, "exit")
    for name, own in exits.items():
        at = f"exits.{name}"
        if not ID.fullmatch(name):
            raise SettingsError(file, at, name, "a name of [a-z0-9-]")
        one = _convert(ExitSettings, {**rest.get("exit", {}), **own}, file, at)
        resolved = replace(settings, exit=one)
        _judge(_overridden(resolved, given), file, given, at)
        if name == exit_name:
            settings = resolved
    return _overridden(settings, given)


def _convert(kind: Any, data: object, file: str, at: str) -> Any:
    try:
        return convert(kind, data, strict=True)
    except PayloadError as error:
        key = f"{at}{error.path.removeprefix('$')}".strip(".") or "file"
        raise SettingsError(file, key, error.got, error.wanted) from error


def _given(environment: Mapping[str, str]) -> Mapping[str, str]:
    """What VPNCHAIN_<SECTION>_<KEY> say; keys: `section.key`."""
    sections = {
        section: typing.get_type_hints(kind)
        for section, kind in typing.get_type_hints(Settings).items()
    }
    known = {
        _variable(f"{section}.{key}"): f"{section}.{key}"
        for section, keys in sections.items()
        for key in keys
    }
    given: dict[str, str] = {}
    for variable, text in environment.items():
        if variable in known:
            given[known[variable]] = text
        elif variable.startswith(PREFIX) and not variable.startswith(OTHERS):
            near = difflib.get_close_matches(variable, known)
            wanted = " or ".join(near) or f"{PREFIX}<SECTION>_<KEY>"
            raise SettingsError("environment", variable, "an unknown key", wanted)
    return given


def _variable(key: str) -> str:
    return f"{PREFIX}{key.replace('.', '_').upper()}"


def _overridden(settings: Settings, given: Mapping[str, str]) -> Settings:
    for name, text in given.items():
        section, key = name.split(".")
        values = getattr(settings, section)
        kind = typing.get_type_hints(type(values))[key]
        value = _from_text(kind, text, _variable(name))
        settings = replace(settings, **{section: replace(values, **{key: value})})
    return settings


def _from_text(kind: Any, text: str, variable: str) -> object:
    """A variable's text as the kind; tuples are separated by commas."""
    raw: object = text
    if typing.get_origin(kind) is tuple:
        raw = [part.strip() for part in text.split(",") if part.strip()]
    elif kind is bool:
        raw = {"true": True, "false": False}.get(text.lower(), text)
    elif kind in (int, float):
        try:
            raw = kind(text)
        except ValueError:
            raw = text
    return _convert(kind, raw, "environment", variable)


# --- what types do not say ------------------------------------------------------------


def _judge(
    settings: Settings, file: str, given: Mapping[str, str], exit_at: str
) -> None:
    """SettingsError for the first claim that does not hold."""
    for key, fits, got, wanted in claims(settings):
        if fits:
            continue
        if key in given:
            raise SettingsError("environment", _variable(key), repr(got), wanted)
        at = key.replace("exit.", f"{exit_at}.", 1)
        raise SettingsError(file, at, repr(got), wanted)


# --- files ----------------------------------------------------------------------------


def read_exit_secrets(folder: Path) -> ExitSecrets:
    """The four secrets of an exit.

    Raises:
        SettingsError: One is missing, empty, or not one line of text.
    """
    file = folder / "vpn_server_ip"
    server = read_secret(file).reveal()
    if not is_server(server):
        # Never the text: it may be the PSK, in the wrong file.
        wanted = "a name with a dot, or an IPv4 address"
        raise SettingsError(str(file), file.name, "something else", wanted)
    return ExitSecrets(
        server=server,
        psk=read_secret(folder / "vpn_ipsec_psk"),
        username=read_secret(folder / "vpn_username"),
        password=read_secret(folder / "vpn_password"),
    )


def is_server(text: str) -> bool:
    """Whether it looks like a server, so that it may be logged and published."""
    try:
        IPv4Address(text)
    except ValueError:
        return SERVER_NAME.fullmatch(text) is not None
    return True


def read_secret(path: Path) -> Secret:
    """The one line of a secret file, without its line end.

    Raises:
        SettingsError: It is missing, empty, too long, or not one line of text.
    """
    return secret_of(read_text(path, path.name), str(path), path.name)


def secret_of(text: str, file: str, key: str) -> Secret:
    """The secret that is a text of one line, with its end or without; see above."""
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise SettingsError(file, key, "nothing", "one line of text")
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        got = "a control character"  # never the text: it is a secret
        raise SettingsError(file, key, got, "one line of text")
    most = PPP_BYTES if any(name in key for name in FOR_PPP) else SECRET_BYTES
    if (size := len(text.encode())) > most:
        raise SettingsError(file, key, f"{size} bytes", f"at most {most}")
    return Secret(text)


def broker_of(settings: BrokerSettings, name: str) -> Broker:
    """The broker as this agent knows it.

    Raises:
        SettingsError: The password file does not fit, or there is no such authority.
    """
    file = settings.password_file
    if settings.tls_ca:
        read_text(Path(settings.tls_ca), "tls_ca")
    return Broker(
        host=settings.host,
        port=settings.port,
        username=settings.username or name,
        password=read_secret(Path(file)) if file else None,
        base=settings.base,
        tls_ca=Path(settings.tls_ca) if settings.tls_ca else None,
    )
