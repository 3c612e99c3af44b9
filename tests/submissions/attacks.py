"""More submissions: no notebooks at all, and those that go for the run, the stage, the limits, what is hidden.

They are in the corpus as soon as this is imported. Like there, hostile code stands in the answer to demo.2 wherever it
can, and the right answers around it must keep their points.
"""

from __future__ import annotations

import json
from pathlib import Path

from . import demo
from .corpus import RIGHT, SEND, WRONG, World, add, answer, body, edited, notebook, raw

CALL = """\
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
NO = errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT
def refused(number, *args):
    return libc.syscall(number, *args) == -1 and ctypes.get_errno() in NO"""


def system(name: str, tests: str, verdict: str = "passed", says: str = "") -> None:
    """Right exactly if all these expressions hold."""
    lines = "\n".join(f"if not ({test}): return dh" for test in tests.splitlines())
    answer(name, body(lines, before=CALL), verdict, says)


# at the run: what reaches files, tables and pages
answer("half a character in a message", body(r"raise ValueError('\ud800')"), "error", r"\ud800", harmless=True)
answer(
    "half a character in a type",
    body(r"raise type('E\ud800', (Exception,), {})('x')"),
    "error",
    "UnicodeEncodeError",
    harmless=True,
)
answer("half a character in an answer", body(r"return '\udfff'"), "failed", "got a str", harmless=True)
answer("half a character in a key", body(r"return {'\ud83d': 1}"), "failed", "got a dict", harmless=True)
answer("half a character in a source", body("x = '\ud800'"), "error", harmless=True)
answer("turned round", body(r"raise ValueError('\u202e0 fo 6\u2066')"), "error", r"\u202e0 fo 6", harmless=True)
answer("control characters", body(r"raise ValueError('\x1b[2J\x07\x00' * 9)"), "error", r"\x07", harmless=True)
answer("page in a message", body("raise ValueError('</td><script>alert(1)</script>')"), "error", harmless=True)
answer("endless message", body("raise ValueError('x' * 10**6)"), "output limit", harmless=True)
answer("message that fails", body("""\
class E(Exception):
    def __str__(self): raise self
raise E"""), "error", harmless=True)  # fmt: skip
answer("group of errors", body("raise ExceptionGroup('both', [ValueError('one'), KeyError('two')])"), "error",
       "ExceptionGroup: both", harmless=True)  # fmt: skip
answer("error without an end", body(f"""{SEND}
send('error', {{'ename': 'Mine', 'evalue': 'x', 'traceback': []}})
kernel.session.send = lambda *args, **kwargs: None"""), "timeout", harmless=True)  # fmt: skip
answer("error displayed, no idle", body(f"""{SEND}
send('error', {{'ename': 'Mine', 'evalue': 'x', 'traceback': []}})
real = kernel.session.send
kernel.session.send = lambda stream, kind, *a, **k: kind if kind == 'status' else real(stream, kind, *a, **k)"""),
       "error", "Mine", harmless=True)  # fmt: skip
answer("text that is no text", body(f"""{SEND}
send('display_data', {{'data': {{'text/plain': [[[{{}}] * 9] * 99] * 99}}, 'metadata': {{}}}})"""),
       "passed", harmless=True)  # fmt: skip
answer("many answers", body(f"""{SEND}
for _ in range(300):
    data = {{'application/vnd.rnnlib.answer+json': [1.0] * 500}}
    send('display_data', {{'data': data, 'metadata': {{}}}})"""), "failed", "answers;", harmless=True)  # fmt: skip
answer("changed forged", body("""\
import rnnlib.grading.inside as i
class Liar: changed = [['x'], 3, None]
i._guard = Liar()"""), "failed", "cannot be read", harmless=True)  # fmt: skip
answer("formula in a name", body(""), "passed", harmless=True, path="a;=1+1;b,@x.ipynb")
answer("right to left in a name", body(""), "passed", harmless=True, path="bob\u202ebnypi.ipynb")
answer("Chinese name", body(""), "passed", harmless=True, path="第四章 王小明.ipynb")
answer("name that is no UTF-8", body(""), "passed", harmless=True, path="caf\udce9.ipynb")
raw("number as a key of format", lambda: json.dumps({**notebook(), "nbformat": [4]}).encode(), "nbformat is missing")
raw("too many cells", lambda: json.dumps({"nbformat": 4, "cells": [{}] * 6000}).encode(), "6000 cells")
raw("named, but empty", lambda: json.dumps({**notebook(), "cells": []}).encode(), "none of its answer cells")
edited("deep brackets", lambda n: n["cells"].append(demo.cell("deep", "(" * 5000 + ")" * 5000)))
edited("deep signs", lambda n: n["cells"].append(demo.cell("deep", "gradient = " + "-" * 15000 + "1")))
edited("many own cells", lambda n: n["cells"].extend(demo.cell(f"own{i}", f"x{i} = 1") for i in range(3000)))


def link_inside(folder: Path, world: World) -> None:
    demo.write(folder / "alice.txt", notebook()).rename(folder / "alice.notebook")
    (folder / "link inside.ipynb").symlink_to(folder / "alice.notebook")


add("link inside", link_inside, status="refused", says="It is a link", harmless=True)

# at the stage and its kernels
answer("parent killed", body("import os, signal; os.kill(os.getppid(), signal.SIGKILL)"), "crash")
answer("parent stopped", body("import os, signal; os.kill(os.getppid(), signal.SIGSTOP)"), "passed")
answer("parent interrupted", body("import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(1)"),
       "passed")  # fmt: skip
answer("parent without files", body("""\
import os, resource
resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (4, 4))
resource.prlimit(os.getppid(), resource.RLIMIT_AS, (1, 1))"""), "passed")  # fmt: skip
answer("parent's memory", body("""\
import os
for name in ('mem', 'fd/0', 'fd/1', 'fd/4', 'environ', 'maps', 'root'):
    try: os.listdir(f'/proc/{os.getppid()}/{name}') if name == 'root' else open(f'/proc/{os.getppid()}/{name}', 'r+b')
    except OSError: continue
    return dh"""), "passed")  # fmt: skip
answer("all of them stopped", body("""\
import os, signal
for name in os.listdir('/proc'):
    if name.isdigit() and int(name) not in (1, os.getpid()):
        try: os.kill(int(name), signal.SIGSTOP)
        except OSError: pass"""), "passed")  # fmt: skip
answer("group killed", body("import os; os.killpg(0, 9)"), "crash", "killed")
answer("disk left full", body("""\
try:
    for i in range(100): open(f'/tmp/{i}', 'wb').write(b'x' * 10**7)
except OSError: pass"""), "passed")  # fmt: skip
answer("working folder removed", body("""\
import os, tempfile
os.chdir(folder := tempfile.mkdtemp())
os.rmdir(folder)"""), "passed")  # fmt: skip
answer("delayed end", body("""\
import os, threading
threading.Timer(0.5, os._exit, [1]).start()"""), "passed", harmless=True)  # fmt: skip
answer("children left behind", body("""\
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid(); time.sleep(300); os._exit(0)"""), "passed")  # fmt: skip
answer("spinners left behind", body("""\
import os
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        while True: pass"""), "passed")  # fmt: skip

# at the limits: processor and memory of the whole sandbox
answer("a clock to evade", body("""\
import os
for _ in range(16):
    if os.fork() == 0:
        os.setsid()
        while True: pass
while True: pass"""), "timeout")  # fmt: skip
answer("waits for its children", body("""\
import os
for _ in range(4):
    if os.fork() == 0:
        while True: pass
os.wait()"""), "timeout")  # fmt: skip
answer("short-lived spinners", body("""\
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        end = time.monotonic() + 0.3
        while time.monotonic() < end: pass
        os._exit(0)
    time.sleep(0.1)"""), "timeout")  # fmt: skip
system("memory without a page table", "refused(319, b'x', 0)\nrefused(447, 0)\nrefused(29, 0, 10**8, 0o1600)")
answer("memory in files", body("""\
import time
hog = [open(f'/dev/shm/{i}', 'wb').write(b'x' * 2**20) for i in range(45)]
hog += [open(f'/tmp/{i}', 'wb').write(b'x' * 2**20) for i in range(45)]
hog.append(np.ones(40 * 10**6))
time.sleep(3)"""), "memory", "MiB of memory")  # fmt: skip
answer("memory in empty files", body("""\
import itertools
hog = np.ones(32 * 10**6)  # most of the limit: the rest is reached within the time
for i in itertools.count(): open(f'/tmp/{i}', 'w').close()"""), "memory", "MiB of memory")  # fmt: skip
answer("memory in sockets", body("""\
import socket
pairs = []
try:
    while True:
        pairs.append(socket.socketpair())
        for end in pairs[-1]:
            end.setblocking(False)
            try:
                while True: end.send(b'x' * 65536)
            except BlockingIOError: pass
except OSError as error:
    if len(pairs) < 128: return dh * (1 - h**2)"""), "passed")  # fmt: skip

answer("memory in sockets of many", body("""\
import os, socket, time
for _ in range(10):
    if os.fork() == 0:
        pairs = [socket.socketpair() for _ in range(90)]
        for pair in pairs:
            pair[0].setblocking(False)
            try:
                while True: pair[0].send(b'x' * 65536)
            except BlockingIOError: pass
        time.sleep(60)
time.sleep(60)"""), "memory", "MiB of memory")  # fmt: skip

# at the system
system("keys", "refused(250, 0, -3, 0)\nrefused(248, b'user', b'a', b'b', 1, -3)\nrefused(249, b'user', b'a', 0, 0)")
system(
    "namespaces",
    """\
refused(272, 0x10000000)
refused(272, 0x40000000)
refused(308, 3, 0)
refused(56, 0x10000000 | 17, 0, 0, 0, 0)
refused(435, 0, 0)
refused(165, b'none', b'/tmp', b'tmpfs', 0, 0)""",
)
system(
    "the kernel's machinery",
    """\
refused(425, 4, 0)
refused(323, 0)
refused(321, 0, 0, 0)
refused(298, 0, 0, -1, -1, 0)
refused(101, 0, 0, 0, 0)
refused(41, 40, 1, 0)
refused(41, 38, 5, 0)""",
)
answer("calls of another kind", body("""\
import ctypes
x32 = ctypes.CDLL(None).syscall(0x40000000 | 250, 0, -3, 0)
if x32 != -1: return dh"""), "passed")  # fmt: skip

# at what is hidden: inputs of hidden cases on their way into the feedback
LEAK = "numbers = ' '.join(map(str, h.ravel()))\nif h.shape != (2, 3): "
NOT_HERE = "Right in the visible case"
answer("inputs in a message", body(LEAK + "raise ValueError(numbers)"), "error", NOT_HERE, harmless=True)
answer("inputs in a type", body(LEAK + "raise type(numbers, (Exception,), {})"), "error", NOT_HERE, harmless=True)
answer("inputs in an answer", body(LEAK + "return numbers"), "failed", NOT_HERE, harmless=True)
answer("inputs in a key", body(LEAK + "return {numbers: 1.0}"), "failed", NOT_HERE, harmless=True)
answer("inputs in a type of answer", body(LEAK + "return type(numbers, (), {})()"), "failed", NOT_HERE, harmless=True)
answer("inputs in a changed name", body(LEAK + """\
\n    import rnnlib.grading.inside as i
    i._guard.changed.append(numbers)"""), "failed", NOT_HERE, harmless=True)  # fmt: skip
answer(
    "argument overwritten", body("h *= -h\nh += 1\nreturn dh * h"), "failed", "changed its argument h", harmless=True
)
answer("argument overwritten in part", body("out = dh\nout[...] *= 1 - h**2\nreturn out"), "failed",
       "changed its argument dh", harmless=True)  # fmt: skip
answer("wrong, and no more", body("", WRONG), "failed", harmless=True)
answer("right, in one line", f"gradient = lambda h, dh: {RIGHT.split('return ')[1]}", "passed", harmless=True)

# no notebooks
raw("bad JSON", b'{"nbformat": 4, "cells": [', "not JSON")
raw("empty file", b"", "empty")
raw(
    "latin-1",
    lambda: json.dumps(notebook(), ensure_ascii=False).replace("Three", "Drei für").encode("latin-1"),
    "not UTF-8",
)
raw("nbformat 99", lambda: json.dumps({**notebook(), "nbformat": 99}).encode(), "nbformat 99")
raw(
    "nbformat 3",
    lambda: json.dumps({"nbformat": 3, "worksheets": [{"cells": notebook()["cells"]}]}).encode(),
    "nbformat 3",
)
raw("deep JSON", b'{"nbformat": 4, "cells": ' + b"[" * 10**5, "cannot be read")
raw(
    "another notebook",
    b'{"nbformat": 4, "cells": [{"cell_type": "code", "id": "x", "source": ""}]}',
    "names no exercise",
)
raw("binary", bytes(range(256)) * 40, "not UTF-8")
