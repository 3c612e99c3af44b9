"""The teacher's desk: from what was found in submissions to a table, pages, and files for a learning platform.

`rnnlib.grading` judges and keeps what it found. Here that is given its points, its student, a person's corrections and
the penalty for lateness, and written down for people. Nothing here runs a student's code or needs a kernel, so all of
it is done anew by each `rnnlib grade`, however little was graded.

    sheets    spreadsheets as people save them
    marks     what a person says: corrections, comments
    roster    who is in the class, and whose a file is
    late      when something was handed in, and what lateness costs
    scores    rows of the class's table
    classroom the rows of a class: everybody, and which of several hand-ins counts
    report    scores.csv, and the table on the terminal
    export    files that Moodle and Canvas import
    page      a student's page; `difference` shows two answers side by side, `layout` is what pages share
    summary   the teacher's page about the class
    marking   what a person has to mark: a page to read, a sheet to fill in
    similar   answers that are alike
    progress  how far a run has come
    options, command   `rnnlib grade` itself
"""
