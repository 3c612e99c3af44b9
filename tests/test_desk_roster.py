"""The class: who is in it, whose a file is, what lateness costs, and what a learning platform is given."""

import csv
import io
import json
import os
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from submissions import demo, desk

from rnnlib.grading.cli import main
from rnnlib.grading.desk.late import Penalty, read_time
from rnnlib.grading.desk.roster import Pattern, read_roster
from rnnlib.grading.desk.sheets import DeskError
from rnnlib.grading.store import stem

ROSTER = "matriculation,name,group\ns1,Ann Lee,A\ns2,Bo Fries,A\ns12,Çelik Ada,B\ns3,Dee Ray,B\n"
DUE = datetime.fromisoformat("2026-11-20T23:59:00")


@pytest.fixture
def room(tmp_path, monkeypatch, solutions):
    """A class that is handed in by `room.hand_in` and graded by `room()`."""
    quick = desk.use(monkeypatch)
    (tmp_path / "class").mkdir()

    def grade(*options, roster: str = ROSTER, status: int = 0) -> dict[str, dict]:
        (tmp_path / "roster.csv").write_text(roster, encoding="utf8")
        command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solutions)]
        assert main([*command, "--roster", str(tmp_path / "roster.csv"), *options]) == status
        if status:
            return {}
        found = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf8"))
        assert len({item["student"] for item in found}) == len(found)
        return {item["student"]: item for item in found}

    def hand_in(name: str, when: timedelta = timedelta(hours=-1), **answers: str) -> Path:
        sources = {**demo.exercise().solutions, **answers}
        path = demo.write(tmp_path / "class" / name, demo.filled(demo.student(), sources))
        stamp = (DUE + when).timestamp()
        os.utime(path, (stamp, stamp))
        return path

    grade.hand_in, grade.path, grade.quick = hand_in, tmp_path, quick
    grade.page = lambda who: (tmp_path / "out" / "feedback" / f"{stem(who)}.html").read_text(encoding="utf8")
    return grade


WRONG = {"gradient": demo.mistakes()["gradient"][0]}  # 3 of 6 points


def test_everybody_has_a_row_in_the_order_of_the_roster(room, capsys):
    room.hand_in("s1_04.ipynb")
    room.hand_in("sub/Çelik Ada s12/04.ipynb", **WRONG)
    room.hand_in("s99.ipynb")
    room.hand_in("s1 and s3.ipynb")
    found = room()
    assert list(found) == ["s1", "s2", "s12", "s3", "s1 and s3.ipynb", "s99.ipynb"]
    assert [found[who]["points"] for who in ("s1", "s2", "s12", "s3")] == [6, 0, 3, 0]
    assert [found[who]["status"] for who in found] == ["graded", "absent", "graded", "absent", "nobody's", "nobody's"]
    assert found["s1"]["name"] == "Ann Lee" and found["s12"]["columns"] == {"group": "B"}
    said = capsys.readouterr()
    assert "s99.ipynb: Its path names nobody in the roster." in said.err
    assert "s1 and s3.ipynb: Its path names s1, s3; say with --pattern" in said.err
    assert "s2 Bo Fries" in said.out and "absent: Nothing was handed in." in said.out
    rows = list(csv.DictReader(io.StringIO((room.path / "out" / "scores.csv").read_text(encoding="utf8"))))
    assert [(row["student"], row["group"], row["points"]) for row in rows[:3]] == [
        ("s1", "A", "6"), ("s2", "A", ""), ("s12", "B", "3"),
    ]  # fmt: skip
    assert "Nothing was handed in." in room.page("s2") and "<h1>Demo: Ann Lee</h1>" in room.page("s1")


def test_a_file_that_is_no_notebook_is_named(room, capsys):
    room.hand_in("s1/04.ipynb")
    for name in ("s1/notes.txt", "s2/report.pdf", "s2/._x", "s12_work.zip", "s3/.ipynb_checkpoints/a.pdf"):
        (room.path / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (room.path / "class" / name).write_bytes(b"%PDF")
    found = room()
    said = "report.pdf is not a notebook, and no notebook was handed in."
    assert (found["s2"]["status"], found["s2"]["reason"]) == ("absent", said)
    assert said in room.page("s2")
    assert "absent: report.pdf is not" in capsys.readouterr().out  # a table is cut at the terminal's width
    assert found["s12"]["reason"].startswith("s12_work.zip is not a notebook")
    assert found["s3"]["reason"] == "Nothing was handed in." and found["s1"]["status"] == "graded"
    assert room("--pattern={id}_*.ipynb")["s12"]["reason"].startswith("s12_work.zip is not a notebook")


@pytest.mark.parametrize(
    ("pattern", "name", "whose", "time"),
    [
        ("", "s12.ipynb", ["s12"], ""),
        ("", "S12 v2.IPYNB", ["s12"], ""),
        ("", "xs12.ipynb", [], ""),
        ("", "s123.ipynb", [], ""),
        ("{id}", "deep/s1.ipynb", ["s1"], ""),
        ("{id}", "deep/s1.txt.ipynb", [], ""),
        ("{id}_*.ipynb", "s1_s2.ipynb", ["s1"], ""),
        ("*_{id}.ipynb", "s1_s2.ipynb", ["s2"], ""),
        ("{id}/", "x/s3/a/b.ipynb", ["s3"], ""),
        ("{name}/{time}/*", "Ann Lee/2026-11-20T23-58-01/x.ipynb", ["s1"], "2026-11-20t23-58-01"),
        ("{name}/**/*.ipynb", "C\u0327elik Ada/a/b/c.ipynb", ["s12"], ""),
        ("{group}/*", "a/x.ipynb", ["s1", "s2"], ""),
        ("{id}.{name}.ipynb", "s1.Bo Fries.ipynb", [], ""),
    ],
)
def test_a_path_tells_whose_it_is(pattern, name, whose, time, tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf8")
    found = Pattern(read_roster(tmp_path / "roster.csv"), pattern).match(name)
    assert ([student.id for student in found[0]], found[1]) == (whose, time)


def test_the_last_hand_in_counts_or_the_best(room):
    room.hand_in("s1/first.ipynb", timedelta(hours=-3))
    room.hand_in("s1/second.ipynb", timedelta(hours=-2), **WRONG)
    path = room.hand_in("s1/third.ipynb", timedelta(hours=-1))
    path.write_text("{")
    last = room("--pattern={id}/*")["s1"]
    assert (last["points"], last["submission"]) == (3, "s1/second.ipynb")
    assert last["others"] == ["s1/first.ipynb", "s1/third.ipynb"]
    assert "3 files were handed in; s1/second.ipynb counts" in room.page("s1")
    assert "s1/third.ipynb could not be graded. It is not JSON" in room.page("s1")
    best = room("--pattern={id}/*", "--keep=best")["s1"]
    assert (best["points"], best["submission"]) == (6, "s1/first.ipynb")
    assert room.quick.asked == 2


def test_lateness_costs_what_was_said(room, capsys):
    room.hand_in("s1.ipynb", timedelta(seconds=0))
    room.hand_in("s2.ipynb", timedelta(hours=25))
    room.hand_in("s12.ipynb", timedelta(days=30))
    room.hand_in("s3.ipynb", timedelta(minutes=1), **WRONG)
    late = ["--due=2026-11-20 23:59", "--late-penalty=10%/day", "--late-most=50%"]
    found = room(*late)
    assert [found[who]["points"] for who in ("s1", "s2", "s12", "s3")] == [6, 6 - 1.2, 3, 3 - 0.6]
    assert [found[who]["late"] for who in ("s1", "s2", "s12", "s3")] == ["", "1 day 1 hour", "30 days", "1 minute"]
    page = room.page("s2")
    assert "4.8 of 6 points" in page and "The tasks alone give 6." in page
    assert "1 day 1 hour late, -1.2 points (10% for each day begun, at most 50%)" in page
    assert "; 30 days late" in capsys.readouterr().out
    own = "id,name,until\ns1,A,\ns2,B,2026-11-25\ns12,C,\ns3,D,\n"
    found = room(*late, "--due-column=until", roster=own)
    assert (found["s2"]["points"], found["s2"]["late"], found["s3"]["points"]) == (6, "", 2.4)
    when = own.replace("until", "handed in").replace("2026-11-25", '"Saturday, 21 November 2026, 12:30 AM"')
    found = room(*late, "--time-column=handed in", roster=when)
    assert (found["s2"]["penalty"], found["s2"]["late"]) == (0.6, "31 minutes")
    found = room("--due=2026-11-20 23:59")
    assert (found["s2"]["points"], found["s2"]["late"]) == (6, "1 day 1 hour")
    assert "which costs nothing" in room.page("s2")
    assert room.quick.asked == 4, "nothing of this is a reason to grade again"


def test_a_folder_can_name_the_time(room):
    room.hand_in("s1/20261121-0800/a.ipynb")
    room.hand_in("s1/2026-11-20 20:00/a.ipynb", **WRONG)
    found = room("--pattern={id}/{time}/*", "--due=2026-11-20", "--late-penalty=1", "--keep=best")["s1"]
    assert (found["points"], found["submission"]) == (5, "s1/20261121-0800/a.ipynb")


def test_a_penalty_leaves_no_less_than_nothing_and_a_mark_on_the_whole_is_the_last_word(room, tmp_path):
    room.hand_in("s1.ipynb", timedelta(hours=1), **WRONG)
    assert room("--due=2026-11-20 23:59", "--late-penalty=100%")["s1"]["points"] == 0
    (tmp_path / "marks.csv").write_text("student,task,points,comment\ns1,00_demo,3,ill; certificate seen\n")
    found = room("--due=2026-11-20 23:59", "--late-penalty=100%", f"--marks={tmp_path / 'marks.csv'}")
    assert found["s1"]["points"] == 3


def test_penalties_by_hand():
    day, hour = timedelta(days=1), timedelta(hours=1)
    assert Penalty.read("5 % per hour").points(90 * timedelta(minutes=1), 20.0) == 2.0
    assert Penalty.read("0.5/day").points(2 * day + hour, 20.0) == 1.5
    assert Penalty.read("20%").points(9 * day, 20.0) == 4.0
    assert Penalty.read("20%").points(0 * day, 20.0) == 0.0, "at the very second it is due"
    assert Penalty.read("2,5/hour").points(100 * day, 20.0) == 20.0
    assert read_time("2026-11-20T10:00+09:00", "x") == read_time("2026-11-20T01:00Z", "x")


@pytest.mark.parametrize(
    ("options", "roster", "said"),
    [
        (["--pattern={number}"], ROSTER, "expected in braces one of id, name, time, matriculation, group; got {n"),
        (["--pattern=*.ipynb"], ROSTER, "--pattern: expected a column in braces, such as {id}; got '*.ipynb'"),
        (["--due=soon"], ROSTER, "--due: expected a time such as 2026-11-20 23:59, got 'soon'"),
        (["--due-column=group"], ROSTER, "line 2, group: expected a time such as 2026-11-20 23:59, got 'A'"),
        (["--due-column=until"], ROSTER, "--due-column: expected a column of"),
        (["--late-penalty=10%"], ROSTER, "--late-penalty: expected --due or --due-column beside it, got neither"),
        (["--due=2026-11-20", "--late-penalty=much"], ROSTER, "--late-penalty: expected such as 10%/day"),
        (["--due=2026-11-20", "--late-penalty=1", "--late-most=2"], ROSTER, "--late-most: expected a share"),
        ([], "id,name\ns1,A\ns1,B\n", "line 3: expected each identifier once, got 's1' a second time"),
        ([], "id,name\n", "expected a row for each student below the names of the columns, got none"),
        ([], "id,name\n,A\n", "line 2: expected an identifier, got ''"),
        (["--export=canvas"], ROSTER, "expected the gradebook that Canvas exports as the roster, with the columns"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_before_anything_is_graded(options, roster, said, room, capsys):
    room.hand_in("s1.ipynb")
    room(*options, roster=roster, status=2)
    assert said in capsys.readouterr().err
    assert room.quick.asked == 0


def test_options_that_need_a_roster_say_so(tmp_path, solutions, capsys):
    demo.write(tmp_path / "a.ipynb", demo.student())
    command = ["grade", str(tmp_path / "a.ipynb"), "--out", str(tmp_path / "out"), "--solutions", str(solutions)]
    for option in ("--pattern={id}", "--time-column=x", "--export=moodle"):
        assert main([*command, option]) == 2
        assert "expected --roster beside it" in capsys.readouterr().err


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Demo (991),Older (7)
    Points Possible,,,,,6,3
"Lee, Ann",4711,u1,ann@x.org,"Group 1, Tue",,3
"Fries, Bo",4712,u2,bo@x.org,Group 2,,
"Ray, =Dee",4713,u3,dee@x.org,Group 2,,
"""


def test_canvas_gets_its_own_columns_back(room, capsys):
    """As documented for its import: the five columns, a row of possible points, the assignment with its id."""
    room.hand_in("leeann_4711_100_a.ipynb")
    room.hand_in("raydee_LATE_4713_101_a.ipynb", **WRONG)
    room("--pattern=*_{id}_*_*", "--export=canvas", "--column=Demo", roster=CANVAS)
    written = (room.path / "out" / "canvas.csv").read_text(encoding="utf8")
    assert list(csv.reader(io.StringIO(written))) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Demo (991)"],
        ["    Points Possible", "", "", "", "", "6"],
        ["Lee, Ann", "4711", "u1", "ann@x.org", "Group 1, Tue", "6"],
        ["Fries, Bo", "4712", "u2", "bo@x.org", "Group 2", ""],
        ["Ray, =Dee", "4713", "u3", "dee@x.org", "Group 2", "3"],
    ]
    room("--pattern=*_{id}_*_*", "--export=canvas", "--column=Demo", roster=CANVAS.replace("Group 2,,", "Group 2,1,"))
    assert '"Fries, Bo",4712,u2,bo@x.org,Group 2,1\n' in (room.path / "out" / "canvas.csv").read_text(encoding="utf8")
    room("--export=canvas", "--column=Older", roster=CANVAS, status=2)
    assert "line 2: expected a maximum grade of 6, what 00_demo is worth, got 3" in capsys.readouterr().err
    room("--pattern=*_{id}_*_*", roster=CANVAS)
    assert not (room.path / "out" / "canvas.csv").exists(), "it would be of an earlier run"


WORKSHEET = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (submission),Last modified (grade),Feedback comments
Participant 31,Ann Lee,ann@x.org,Submitted for grading,,6.00,"Saturday, 21 November 2026, 8:00 AM",-,
Participant 32,Bo Fries,bo@x.org,No submission,,6.00,-,-,
Participant 3,Dee Ray,dee@x.org,Submitted for grading,4.00,6.00,"Friday, 20 November 2026, 8:00 AM","Monday, 1 June 2026, 8:00 AM",old
"""  # noqa: E501


def test_moodles_worksheet_comes_back_filled_in(room, tmp_path):
    """As its importer asks for it: Identifier, Grade and Last modified (grade), and Feedback comments if there are."""
    room.hand_in("Ann Lee_31_assignsubmission_file/04.ipynb")
    room.hand_in("Dee Ray_3_assignsubmission_file/04.ipynb", **WRONG)
    (tmp_path / "marks.csv").write_text("student,task,points,comment\n3,demo.2,1,a < b\n")
    room("--pattern=*_{id}_assignsubmission_file/*", "--export=moodle", "--due=2026-11-20", "--late-penalty=10%/day",
         "--time-column=Last modified (submission)", f"--marks={tmp_path / 'marks.csv'}", roster=WORKSHEET)  # fmt: skip
    written = (room.path / "out" / "moodle.csv").read_text(encoding="utf8")
    before, after = (list(csv.DictReader(io.StringIO(text))) for text in (WORKSHEET, written))
    assert [row["Grade"] for row in after] == ["5.4", "", "4"]
    assert after[0]["Feedback comments"].startswith("5.4 of 6 points. 8 hours late: -0.6. demo.1: 2 of 2, passed.")
    assert "demo.2: 1 of 3, failed. a &lt; b" in after[2]["Feedback comments"]
    changed = {"Grade", "Feedback comments"}
    kept = [{key: value for key, value in row.items() if key not in changed} for row in before]
    assert kept == [{key: value for key, value in row.items() if key not in changed} for row in after]
    assert list(before[0]) == list(after[0])


@pytest.mark.parametrize(
    "text",
    [
        "Friday, 20 November 2026, 8:15 PM",
        "Friday, November 20, 2026, 8:15 PM",
        "Friday, November 20, 2026, 8:15\u202fpm",
        "20 Nov 2026, 20:15",
        "November 20, 2026 08:15 PM",
        "2026-11-20 20:15",
    ],
)
def test_a_month_in_words_may_stand_before_the_day_or_after_it(text):
    assert read_time(text, "x") == datetime.fromisoformat("2026-11-20T20:15:00").astimezone()


def test_midnight_noon_and_the_end_of_a_day_in_words():
    times = ("1 May 2026, 12:00 AM", "May 1, 2026, 12:00 PM", "1 May 2026")
    assert [read_time(text, "x").strftime("%d %H:%M") for text in times] == ["01 00:00", "01 12:00", "01 23:59"]
    for text in ("31 February 2026", "1 M 2026", "1 Mai 2026, 13:00 PM", "05/06/2026", "-"):
        with pytest.raises(DeskError, match="x: expected a time such as 2026-11-20 23:59, got"):
            read_time(text, "x")


def test_a_dash_in_a_column_of_times_says_that_there_is_none(room):
    """Moodle's worksheet has one for whoever handed in nothing; a due date of one's own may be one too."""
    room.hand_in("Ann Lee_31_assignsubmission_file/04.ipynb", timedelta(days=3))
    roster = WORKSHEET.replace("Status", "until").replace("Submitted for grading", "-").replace("No submission", "–")
    roster = roster.replace('"Saturday, 21 November 2026, 8:00 AM"', "-")
    options = ["--pattern=*_{id}_*/*", "--time-column=Last modified (submission)", "--due-column=until"]
    found = room(*options, "--due=2026-11-20 23:59", roster=roster)
    assert (found["31"]["late"], found["32"]["status"]) == ("3 days", "absent")


def test_a_worksheet_of_another_maximum_is_refused(room, capsys):
    room("--export=moodle", roster=WORKSHEET.replace("6.00", "100.00"), status=2)
    assert "line 2: expected a maximum grade of 6, what 00_demo is worth, got 100" in capsys.readouterr().err
    room("--export=moodle", roster=WORKSHEET.replace("Last modified (grade)", "x"), status=2)
    assert "Last modified (grade) is missing" in capsys.readouterr().err


def moodle_finds(path: str, participants: set[str]) -> tuple[str, str, str] | None:
    """Whose a file of the zip is, as mod/assign/feedback/file/importziplib.php decides: number, plugin, what is left.

    It looks for the first part of the path that has four parts or more between underscores, the second of which is a
    participant's number, and the third and fourth of which name a plugin.
    """
    parts = path.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) >= 4 and info[1].isdecimal() and info[1] in participants:
            return info[1], "_".join(info[2:4]), "/".join([*info[4:], *parts]).strip("/")
    return None


def test_moodle_gets_the_pages_in_a_zip_that_it_can_tell_apart(room):
    names = {"Ann Lee": "Ann_Lee_32_x", "Dee Ray": "'..Ré/王 _7_'"}
    roster = WORKSHEET
    for old, new in names.items():
        roster = roster.replace(old, new)
    room.hand_in("x_31_assignsubmission_file/04.ipynb")
    room.hand_in("y_3_assignsubmission_file/04.ipynb", **WRONG)
    options = ["--pattern=*_{id}_assignsubmission_file/*", "--export=moodle"]
    room(*options, roster=roster)
    path = room.path / "out" / "moodle-feedback.zip"
    before = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name).decode("utf8") for name in archive.namelist()}
    found = {name: moodle_finds(name, {"31", "32", "3", "7"}) for name in files}
    assert sorted(found.values()) == [
        ("3", "assignfeedback_file", "00_demo.html"),
        ("31", "assignfeedback_file", "00_demo.html"),
    ], "nobody but those who have a grade"
    for name, page in files.items():
        assert page == room.page(found[name][0])
        assert name.count("/") == 1 and not set(name) & set("\\:*?\"<>|&'")
    room(*options, roster=roster)
    assert path.read_bytes() == before, "the same pages make the same zip"
    room("--pattern=*_{id}_assignsubmission_file/*", roster=roster)
    assert not path.exists()


def test_moodles_gradebook_takes_any_columns(room):
    room.hand_in("s1.ipynb")
    room("--export=moodle", "--column=Demo")
    rows = list(csv.DictReader(io.StringIO((room.path / "out" / "moodle.csv").read_text(encoding="utf8"))))
    assert rows[0] | {"Demo feedback": ""} == {
        "matriculation": "s1", "name": "Ann Lee", "group": "A", "Demo": "6", "Demo feedback": "",
    }  # fmt: skip
    assert (rows[1]["Demo"], rows[1]["Demo feedback"]) == ("", "")


def test_sheets_are_read_as_people_save_them(tmp_path):
    path = tmp_path / "roster.csv"
    for text in (ROSTER, "\ufeff" + ROSTER.replace(",", ";"), ROSTER.replace(",", "\t").replace("\n", "\r\n")):
        path.write_bytes(text.encode())
        assert [student.id for student in read_roster(path).students] == ["s1", "s2", "s12", "s3"]
    path.write_text("id,name,id\n")
    with pytest.raises(DeskError, match="expected each column once, got id more than once"):
        read_roster(path)
