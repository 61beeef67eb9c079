"""The manual pages of the shell: what stands in them around the lists of options."""

from __future__ import annotations

from newtonkit.shell.compare_page import COMPARE
from newtonkit.shell.manual import EXIT_STATUS as _EXIT
from newtonkit.shell.manual import Page

__all__ = ["BENCH", "COMPARE", "PREDICT", "PROBLEMS_PAGE", "SHELL", "SOLVE"]

_FILES = """
    By the end of its name, DATA is

        .csv .csv.gz    comma-separated, with a header, in UTF-8
        .tsv .tsv.gz    the same with tabs
        .parquet        Parquet
        .npz            NumPy arrays, one of shape (n,) for each column; or A
                        of shape (n, d), whose columns are called x1 to xd,
                        with b, groups, sample_weight and offset of shape (n,)

    Integers, floats, decimals and booleans are numbers. Text needs
    --categorical or --drop, dates --drop. No value may be missing. Rows are
    counted from 1, without the header. NPZ files are read without pickle.
"""

_SCALES = """
    exp, cosh and sinh regressions predict the target itself. They start from
    u = 0, so that a target of order one suits them best: --target-scale mean
    divides it by its mean, sum by its sum, and predictions are multiplied by
    the same number again.

    All other kinds predict shares, which sum to 1 over the rows of DATA, or of
    each group: --target-scale sum makes the target shares too. Predictions stay
    shares.
"""

SHELL = Page(
    "second-order optimisation of attention-inspired regressions",
    """
    newtonkit COMMAND [ARGUMENT ...]
    newtonkit COMMAND --help
    """,
    """
    newtonkit fits models such as softmax(A x) = b, exp(A x) = b or cosh(A x) = b to data by Newton's
    method in a trust region with the exact structured Hessian, and tells whether what it found is a
    minimum. It also shows how the methods of SciPy do on the same problem.

    Each command has a manual page of its own: newtonkit COMMAND --help.
    """,
    (
        (
            "ENVIRONMENT",
            """
            NEWTONKIT_NUM_THREADS
                How many threads rows are spread over; all processors by default.
                Results do not depend on it.
            """,
        ),
        (
            "EXIT STATUS",
            _EXIT.format(
                failure="what was asked for was not reached, or a reader of a pipe left", interrupted=""
            ),
        ),
        (
            "EXAMPLES",
            """
            Solve a regression on real data that is ready-made, and see how SciPy does:

                newtonkit solve diabetes
                newtonkit compare diabetes

            Fit a file, and predict from another:

                newtonkit solve sales.csv --problem exp --target price --drop day \\
                    --categorical region --intercept --target-scale mean \\
                    --output fit.json
                newtonkit predict fit.json new.csv
            """,
        ),
    ),
)

SOLVE = Page(
    "fit a regression to a file or to ready-made data",
    """
    newtonkit solve DATA --problem KIND --target COLUMN [OPTION ...]
    newtonkit solve NAME [--problem KIND] [SOLVER AND OUTPUT OPTIONS]
    """,
    """
    Minimises L(x) = l(A x + offset) + R/2 |x|^2, where A are the features in DATA, one row for each of
    its rows, and l depends on KIND and on the target: 'newtonkit problems' lists the kinds with their
    formulas, and NAME, the ready-made data.

    It ends with success where the gradient is at tolerance and there is no negative curvature. Otherwise
    it says why not, and gives the best point that it found. On a terminal it shows how far it has come.
    """,
    (
        ("FILES AND FORMATS", _FILES),
        ("SCALES", _SCALES),
        (
            "JSON",
            """
            --output writes an object with the keys

                format       1
                newtonkit    the version
                problem      kind, class, ridge, entropy_weight, intercept
                data         file, n, d, target, columns, groups, sample_weight,
                             offset, encoding (levels, means, scales, factor)
                solution     coefficients by name, intercept
                result       status, success, message, fun, nit, nfev, njev, nhev,
                             inner_iterations, factorisations, passes, rank, seconds,
                             relative_gradient, method, method_reason, starts,
                             certificate (proven, radius, unique_within, l, M,
                             in_good_region, in_contraction_region, attainable,
                             reason; null without --certify)
                history      a record of each iteration, the start first
                interrupted  whether Ctrl-C ended the solve

            Numbers are written to the last bit; what is not finite is null. The
            coefficient of a level is called COLUMN=LEVEL. FILE is replaced only when
            the new one is whole.
            """,
        ),
        (
            "CERTIFICATE",
            """
            --certify tells how far from the solution a minimiser is at most, how far no
            other stationary point is, at least what the curvature is there (l) and at
            most how fast it changes (M). All of it is proved for the function of real
            numbers that the data make, with bounds of all rounding errors; a point of
            which nothing can be proved may be a minimum all the same, and the exit
            status does not depend on it. It takes about as long as some iterations of
            the exact method.
            """,
        ),
        (
            "PICTURE",
            """
            --plot draws |grad| / S(x), what TOL is compared with, and the gap to the
            lowest value relative to the first, both against passes over the data; each
            marker is an iteration. FILE ends in .png, .svg or .pdf.

            --picture predictions draws what the model predicts against the target, a
            point for each row, in units of the scaled target; leverage the leverage
            score of each row against its weight in the Hessian; frontier the entropy of
            a softmax against its loss, solved for many rewards of entropy.
            """,
        ),
        (
            "EXIT STATUS",
            _EXIT.format(
                failure="no success; the best point found is written all the same",
                interrupted="; the best point found is written all the same",
            ),
        ),
        (
            "EXAMPLES",
            """
            Price as a product of factors, one for each unit of each feature:

                newtonkit solve sales.csv --problem exp --target price --drop day \\
                    --categorical region --intercept --target-scale mean \\
                    --output fit.json

            Which query makes attention find the wanted rows, with shares that sum to 1?

                newtonkit solve keys.npz --problem softmax --target-scale sum \\
                    --ridge 1e-6 --plot way.png

            A conditional logit model: each traveller chooses one of several ways:

                newtonkit solve travel.parquet --problem cross-entropy \\
                    --target chosen --groups traveller --output travel.json

            Ready-made data, and nothing but the JSON:

                newtonkit solve digits --problem softmax --output -
            """,
        ),
        ("SEE ALSO", "newtonkit predict, newtonkit compare, newtonkit problems"),
    ),
)

PREDICT = Page(
    "what a solution says of the rows of a file",
    "newtonkit predict SOLUTION DATA [--output FILE]",
    """
    Reads the columns that SOLUTION names from DATA, encodes them as they were for the fit, and writes one
    prediction for each row, in the order of the rows. Other columns of DATA are ignored; the target may be
    missing.

    exp, cosh and sinh regressions predict the target in its own units, whatever its --target-scale was.
    All other kinds predict shares, which sum to 1 over the rows of DATA, or over those of each group.
    On the file that was fitted, predictions are those of the fit to the last bit.
    """,
    (
        (
            "FILES AND FORMATS",
            """
            DATA is a file as for 'newtonkit solve'; it need not be of the same format
            as the one that was fitted. The output is one column called prediction,
            in CSV, Parquet or NPZ by the end of the name of FILE.
            """,
        ),
        ("EXIT STATUS", _EXIT.format(failure="a reader of a pipe left", interrupted="")),
        (
            "EXAMPLES",
            """
            newtonkit predict fit.json new.csv

            newtonkit predict travel.json travel.parquet --output shares.parquet
            """,
        ),
        ("SEE ALSO", "newtonkit solve"),
    ),
)

PROBLEMS_PAGE = Page(
    "list the kinds of problem and the ready-made data",
    "newtonkit problems [KIND]",
    """
    Without KIND, lists all kinds with their class in Python, their loss, the options that mean something
    for them and the paper they come from; then the ready-made data. With KIND, shows all formulas of one:
    objective, gradient and the Hessian A^T (diag(D) + U C U^T) A.
    """,
    (
        ("EXIT STATUS", _EXIT.format(failure="a reader of a pipe left", interrupted="")),
        (
            "EXAMPLES",
            """
            newtonkit problems

            newtonkit problems softmax
            """,
        ),
    ),
)

BENCH = Page(
    "where the passes of a solve go",
    """
    newtonkit bench [--problem KIND] [PLANTED AND SOLVER OPTIONS]
    newtonkit bench DATA [--problem KIND] [PROBLEM, COLUMN AND SOLVER OPTIONS]
    """,
    """
    Solves a problem, a planted one or one made of DATA as by 'newtonkit solve': once to warm up, then
    --runs times. A pass is the median time of one product A x on the same data, taken before and after
    each solve. Shown is the solve of median time, by kind of work and by iteration.

    Passes counted are sweeps over the data; passes by the clock are seconds / those of one pass. A Gram
    matrix is one sweep, but as long as many products. An iteration's passes are those since the start,
    the model and the step from its point included.
    """,
    (
        (
            "JSON",
            """
            --json writes all figures: format, newtonkit, problem, data, settings,
            machine, versions, pass_seconds, bytes_per_second, first_run_seconds,
            run_seconds, result, work (a record of each kind), until (|g| <= 1e-8 |g0|)
            and history (a record of each iteration), as 'newtonkit solve' has it.
            """,
        ),
        ("EXIT STATUS", _EXIT.format(failure="no success; what was measured is shown", interrupted="")),
        ("EXAMPLES", "newtonkit bench --rows 3000 --columns 20\n\nnewtonkit bench digits --method sketched"),
        ("SEE ALSO", "newtonkit bench iterations, newtonkit solve, newtonkit compare"),
    ),
)
