"""The manual page of ``newtonkit compare``."""

from __future__ import annotations

from newtonkit.shell.manual import EXIT_STATUS, Page

COMPARE = Page(
    "newtonkit beside the methods of scipy.optimize",
    """
    newtonkit compare [NAME] [--problem KIND] [OPTION ...]
    newtonkit compare DATA --problem KIND --target COLUMN [OPTION ...]
    newtonkit compare --profile [FILE] [OPTION ...]
    """,
    """
    Runs newtonkit and the methods of SciPy on the same problem: same start, same exact derivatives, same
    stopping rule |g| <= TOL |g(x0)|, same time cap. Then says what is true of the point that each of them
    returned, whatever the method said of itself.

    Without DATA, two ready-made problems are shown. --problem alone takes all ready-made data that has that
    kind, and --profile alone all ready-made problems, as far as they need nothing else to be installed.
    """,
    (
        (
            "FILES AND FORMATS",
            """
            DATA, its columns and the scales of its target are those of 'newtonkit solve';
            see its page. What is written:

            --json     all figures: format, comparisons, and with --profile the profile
            --csv      the same as a table, a line for each problem and method
            --plot     the gap to the best value against iterations, seconds and
                       passes; where there are several problems, each has a file of
                       its own, so that gap.png becomes gap-diabetes-exp.png, and so on
            --html     one page for a browser with tables, pictures, machine, versions
                       and the command; it needs no other file and no network
            --profile  the share of the problems that each method solves within a
                       factor of the time of the fastest (Dolan and More, 2002):
                       printed, and drawn if there is a FILE

            Pictures are .png, .svg or .pdf by the end of their name. Files are replaced
            only when the new ones are whole.
            """,
        ),
        ("EXIT STATUS", EXIT_STATUS.format(failure="a reader of a pipe left", interrupted="")),
        (
            "EXAMPLES",
            """
            newtonkit compare

            newtonkit compare digits --problem softmax --max-time 5 --plot gap.png \\
                --html report.html

            newtonkit compare sales.csv --problem exp --target price --drop day \\
                --categorical region --intercept --target-scale mean --csv figures.csv

            newtonkit compare --profile profile.png --problem exp --max-time 2
            """,
        ),
        ("SEE ALSO", "newtonkit solve, newtonkit problems"),
    ),
)
