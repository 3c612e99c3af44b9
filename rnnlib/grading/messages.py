"""What the grader keeps of what a kernel says: messages that break the protocol are dropped, long ones are cut."""

from __future__ import annotations

from typing import Any

from .answers import MIME, BadAnswer, decode

MAX_ANSWERS = 5  # displayed by one cell; a check cell displays one


def clean(message: dict[str, Any]) -> dict[str, Any] | None:
    """What the grader keeps of a message, or None if it is none of those that it reads.

    Examples
    --------
    >>> head = {"msg_type": "stream", "parent_header": {"msg_id": "1"}}
    >>> clean({**head, "content": {"name": "stdout", "text": "hello", "more": 1}})["content"]
    {'name': 'stdout', 'text': 'hello'}
    >>> clean({**head, "content": {"name": "stdout", "text": ["hello"]}}) is None
    True
    """
    kind, parent, content = message.get("msg_type"), message.get("parent_header"), message.get("content")
    if not isinstance(kind, str) or not isinstance(parent, dict) or not isinstance(content, dict):
        return None
    msg_id = parent.get("msg_id", "" if kind == "iopub_welcome" else None)
    if not isinstance(msg_id, str):
        return None
    kept = _content(kind, content)
    return None if kept is None else {"msg_type": kind, "parent_header": {"msg_id": msg_id}, "content": kept}


def _content(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    def text(key: str) -> bool:
        return isinstance(content.get(key), str)

    if kind in ("execute_reply", "kernel_info_reply"):
        payload = content.get("payload")
        asked = isinstance(payload, list) and any(
            isinstance(p, dict) and p.get("source") == "ask_exit" for p in payload
        )
        return {"exit": asked}
    if kind == "iopub_welcome":
        return {}
    if kind == "status" and text("execution_state"):
        return {"execution_state": content["execution_state"]}
    if kind == "stream" and text("text") and content.get("name") in ("stdout", "stderr"):
        return {"name": content["name"], "text": content["text"].replace("\b", "").replace("\r", "\n")}
    if kind in ("display_data", "execute_result") and isinstance(content.get("data"), dict):
        data = {MIME: content["data"][MIME]} if MIME in content["data"] else {}
        return {"data": data, "metadata": {}, "execution_count": 1}
    if kind == "error" and text("ename") and text("evalue") and isinstance(content.get("traceback"), list):
        lines = [line[:2000] for line in content["traceback"][-40:] if isinstance(line, str)]
        return {"ename": content["ename"][:200], "evalue": content["evalue"][:2000], "traceback": lines}
    return None


def is_answer(message: dict[str, Any]) -> bool:
    """Whether a message that was kept displays an answer."""
    return MIME in message["content"].get("data", {})


def received(shown: Any, task: str) -> tuple[Any, list[str]]:
    """What a check cell displayed: the answer, and the arguments that the student's functions changed.

    Raises
    ------
    BadAnswer
        If it is not what `inside.answer` displays for this task.
    """
    if not isinstance(shown, dict) or not {"task", "answer"} <= set(shown) <= {"task", "answer", "changed"}:
        raise BadAnswer("it is not what an answer looks like")
    if shown["task"] != task:
        raise BadAnswer("it is not the answer to this task")
    changed = shown.get("changed", [])
    if not isinstance(changed, list) or not all(isinstance(item, str) for item in changed):
        raise BadAnswer("what it says of changed arguments is no list of names")
    return decode(shown["answer"]), [item[:100] for item in changed[:5]]


def changes(changed: list[str]) -> str:
    """What to say of a function that wrote into its arguments.

    Examples
    --------
    >>> changes(["gradient: h"])
    'Your function gradient changed its argument h: copy an array before you write into it.'
    """
    said = []
    for item in changed:
        function, _, argument = item.partition(": ")
        said.append(f"Your function {function} changed its argument {argument}")
    return "; ".join(said) + ": copy an array before you write into it."
