"""The manual page of ``newtonkit bench iterations``."""

from __future__ import annotations

from newtonkit.shell.manual import EXIT_STATUS, Page

ITERATIONS = Page(
    "step counts that theory predicts, beside those seen",
    "newtonkit bench iterations [OPTION ...]",
    """
    Solves planted problems from starts near their minimum x*, each with a certificate that it lies in the
    region where Newton steps contract. Shown are the most steps that the papers (their T) and the
    certificate allow to the part 'to' of the first Euclidean distance from x*, and those that the solver
    took; the worst step of all, as the distance after it / before it in the norm of H(x*), where the papers
    promise 0.4 for samples of spectral error up to 0.1; the true spectral error |H^-1/2 S H^-1/2 - I| of
    sampled Hessians S at x*, beside the epsilon asked for; and of a solve from x = 0 the iterations before
    the region is entered, and in it.

    'to' is the finest of 1e-2, 1e-4, 1e-6 and 1e-8 for which the certificate of some start gives a number,
    as near as float64 is sure to come. The first phase of method sketched, on a sample of the rows, counts
    as a step, in what is certified and in what is seen; the papers' T knows of none. Its factor is not
    judged, nor is that of a step that begins or ends below rounding, except that a first step that ends
    there counts as ending at the edge of it.

    x* is the end of the exact method, polished with gradients in doubled precision. What is above its
    bound or limit is marked with !. epsilon is what samples of the solver have about; sparsify promises
    it, but for a share delta of the draws, and keeps more rows for that.

    With --seeds 1000 it runs for hours; only then are the shares of failures narrow. Ctrl-C ends it and
    shows what there is. On a terminal it shows how far it has come.
    """,
    (
        (
            "JSON",
            """
            --json writes all figures. Distances are Euclidean or, marked with H, in the norm of H(x*).

            format, newtonkit   versions of the file and of the program
            settings            the options; accuracies: all that is counted to;
                                contraction: 0.4
            seconds, interrupted, verdict
                                verdict in sentences
            kept                whether something was predicted, and all of it holds
            problems            for each kind and condition:
              seeds, uncertified
                                starts tried; those not found to be in the region
              floor             distances below it (H) may be rounding
              begins_at_minimum
                                whether x = 0 is x*
              note              why nothing was measured
              methods           for each method, with its epsilon:
                exceeded        how many counts are above their prediction
                worst, slow     the largest factor; how many are above 0.4
                whole           from x = 0: iterations before the region (null
                                if it was never entered), and inside
                solves          for each start: seed; distance from x*; factors of
                                single steps (H); and counts:
                  to            what is counted to, as a share of distance
                  predicted     by the certificate; null with a reason
                  papers        T; null for an epsilon above 0.1
                  observed      null if it was not reached
                errors, share   true spectral error of each sample of the solver;
                                mean share of the rows in them
                promise         samples of sparsify: epsilon, delta, errors, share,
                                broken (how many errors are above epsilon)
            samples             for each epsilon:
              steps, slow, worst
                                how many; factors above 0.4; the largest factor
              drawn, above, largest
                                samples of the solver; errors above epsilon; the
                                largest error
              promised, broken, interval
                                samples of sparsify that leave rows out; errors above
                                epsilon; the 95 % interval (Clopper and Pearson)
                                for their share

            A solve has a status if it ended before it was stopped at x*.
            """,
        ),
        (
            "PICTURE",
            """
            --picture draws the factor of every step, with 0.4 where the papers promise it, and steps observed
            against steps predicted, markers of several methods beside one another. FILE ends in
            .png, .svg or .pdf.
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
