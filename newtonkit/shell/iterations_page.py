"""The manual page of ``newtonkit bench iterations``."""

from __future__ import annotations

from newtonkit.shell.manual import EXIT_STATUS, Page

ITERATIONS = Page(
    "step counts that theory predicts, beside those seen",
    "newtonkit bench iterations [OPTION ...]",
    """
    Solves planted problems from starts near their minimum x*, each with a certificate that it lies in the
    region where Newton steps contract. Shown are the most steps that the papers and the certificate allow
    to a given distance from x*, and those that the solver took; the worst step of all, as the distance
    after it / before it in the norm of H(x*), where the papers promise 0.4 for samples of spectral error
    0.1; the true spectral error |H^-1/2 S H^-1/2 - I| of sampled Hessians S at x*, beside the epsilon
    asked for; and of a solve from x = 0 the iterations before the region is entered, and in it.

    x* is the end of the exact method, polished with gradients in doubled precision. What is above its
    bound or limit is marked with !. epsilon is what samples of the solver have about; sparsify promises
    it, but for a share delta of the draws, and keeps more rows for that.

    With --seeds 1000 it runs for hours, and the shares tell something. Ctrl-C ends it and shows what there
    is. On a terminal it shows how far it has come.
    """,
    (
        (
            "JSON",
            """
            --json writes all figures: format, newtonkit, settings, seconds, interrupted,
            kept (whether all predictions hold), verdict, problems (for each, methods;
            for each of these solves with counts and factors of every step, errors of
            samples, promise) and samples (a summary for each epsilon).
            """,
        ),
        (
            "PICTURE",
            """
            --picture draws the factor of every step against 0.4, and steps observed
            against steps predicted. FILE ends in .png, .svg or .pdf.
            """,
        ),
        (
            "EXIT STATUS",
            EXIT_STATUS.format(
                failure="more steps than predicted, a promise broken, or nothing predicted",
                interrupted="; what was measured is shown and written",
            ),
        ),
        (
            "EXAMPLES",
            """
            newtonkit bench iterations --problems exp --conditions 100 --seeds 1

            The share of failures among many samples and steps:

                newtonkit bench iterations --problems softmax --methods sampled \\
                    --conditions 1 --epsilons 0.3 --rows 3000 --columns 4 --seeds 9
            """,
        ),
        ("SEE ALSO", "newtonkit bench, newtonkit solve"),
    ),
)
