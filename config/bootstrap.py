"""
Prepare `.venv` from the lock and hand over: `python3 config/bootstrap.py run|test|check|…`.

Only the standard library, and a plain script: it runs before anything is installed.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed"
COMMANDS = {
    "run": ["-m", "config.processes"],
    "test": ["-m", "pytest"],
    "check": ["-m", "config.checks"],
    "bench": ["-m", "benchmarks"],
    "load": ["-m", "pytest", "-m", "long"],
    "screenshots": ["-m", "screenshots"],
}


def prepare() -> None:
    """Make `.venv` hold exactly what the lock says, for the Python that runs this."""
    wanted = hashlib.sha256(f"{sys.version} {VENV}\n".encode() + LOCK.read_bytes()).hexdigest()
    if _read(STAMP) == wanted:
        return
    version = f"version = {sys.version.split()[0]}"
    if not PYTHON.exists() or version not in _read(VENV / "pyvenv.cfg").splitlines():
        print(f"Creating {VENV} ...", flush=True)
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    print(f"Installing what {LOCK.name} names, once ...", flush=True)
    install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
    if subprocess.run([str(PYTHON), *install], check=False).returncode:
        sys.exit("The dependencies could not be installed; pip says why above.")
    STAMP.write_text(wanted)


def main() -> None:
    command, *arguments = sys.argv[1:] or ["help"]
    if command not in (*COMMANDS, "venv"):
        sys.exit(f"usage: python3 config/bootstrap.py {'|'.join(COMMANDS)}|venv [ARGUMENT ...]")
    if sys.version_info < (3, 11):  # noqa: UP036 - whichever python3 is there runs this
        sys.exit(f"Python 3.11 or later is needed; {sys.executable} is {sys.version.split()[0]}.")
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        sys.exit("This Python cannot make virtual environments: apt-get install python3-venv")
    os.chdir(ROOT)
    # Two commands started at once install once; the lock goes with the process.
    folder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    prepare()
    os.close(folder)
    if command in COMMANDS:
        os.execv(PYTHON, [str(PYTHON), *COMMANDS[command], *arguments])  # noqa: S606 - no shell is meant


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


if __name__ == "__main__":
    main()
