"""A JupyterLab on this machine, behind a token, with settings of its own: for tests and for the README's pictures."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = secrets.token_hex(16)


@contextmanager
def running_lab(folder: Path, private: Path) -> Iterator[str]:
    """Serve a folder; what JupyterLab writes for itself goes into another one. Gives the address."""
    places = {f"JUPYTER_{what}_DIR": str(private / what.lower()) for what in ("CONFIG", "DATA", "RUNTIME")}
    places["JUPYTERLAB_WORKSPACES_DIR"] = places["JUPYTERLAB_SETTINGS_DIR"] = str(private)
    options = [
        "--no-browser",
        "--allow-root",
        "--port=0",
        "--expose-app-in-browser",
        f"--IdentityProvider.token={TOKEN}",
    ]
    options += [f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--LabApp.check_for_updates_class="]
    options[-1] += "jupyterlab.handlers.announcements.NeverCheckForUpdate"
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env=os.environ | places | {"IPYTHONDIR": str(private / "ipython")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield address(Path(places["JUPYTER_RUNTIME_DIR"]), server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def address(runtime: Path, server: subprocess.Popen[bytes], patience: float = 40) -> str:
    """Where the server listens, once it says so."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.poll() is None:
        for info in runtime.glob("jpserver-*.json"):
            if text := info.read_text():
                return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start")


def open_notebook(tab: Any, url: str, name: str) -> None:
    """Open a notebook and wait until its kernel is ready."""
    tab.goto(f"{url}lab/tree/{name}?token={TOKEN}&reset")
    tab.wait_for_function("window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=40_000)
    tab.wait_for_function(
        "jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'", timeout=40_000
    )
