"""Prints the numbers that the statistics of headroom-core are held against (crates/headroom-core/src/statistics/oracle.json).

Run by hand when a case is added; nothing else needs these packages:

    python3 -m venv oracle
    oracle/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 pybind11==2.13.6 scikit-build==0.18.1 cmake==3.31.6 wheel==0.48.0
    oracle/bin/pip install --no-build-isolation confseq==0.0.11    # compiled, needs ninja and the headers of Boost (ninja-build, libboost-dev)
    oracle/bin/python scripts/statistics-oracle.py > crates/headroom-core/src/statistics/oracle.json
"""
import json

import numpy
import statsmodels.api as sm
from confseq import boundaries
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

random = numpy.random.default_rng(13)


def ratio(units):
    """A ratio of sums with the error that clusters of rows give it: weighted least squares on a constant, one cluster a unit."""
    rows = []
    for unit in range(units):
        base = random.exponential(0.02)
        for _ in range(1 + random.poisson(1.5)):
            watched = random.exponential(300.0) + 10.0
            stalled = watched * base * random.exponential(1.0) if random.random() < 0.3 else 0.0
            rows.append((unit, round(stalled, 3), round(watched, 3)))
    unit, stalled, watched = (numpy.array(column) for column in zip(*rows))
    fit = sm.WLS(stalled / watched, numpy.ones(len(rows)), weights=watched)
    fit = fit.fit(cov_type="cluster", cov_kwds={"groups": unit, "use_correction": True})
    return {"rows": [[int(u), float(s), float(w)] for u, s, w in rows], "ratio": fit.params[0], "standard_error": fit.bse[0]}


def covariate(units):
    """The difference of two means with a covariate, by regression: the slope that is pooled over both arms."""
    rows = []
    for unit in range(units):
        before = random.exponential(1.0)
        rows.append((unit % 2, round(float(2.0 * before + random.normal() + 0.3 * (unit % 2)), 4), round(float(before), 4)))
    arm, value, before = (numpy.array(column) for column in zip(*rows))
    fit = sm.OLS(value, numpy.column_stack([numpy.ones(units), arm, before])).fit()
    return {"rows": [list(map(float, row)) for row in rows], "difference": fit.params[1], "slope": fit.params[2]}


def dirichlet(counts, shares):
    prior = 100.0 * numpy.array(shares)
    counts = numpy.array(counts)
    mixture = stats.dirichlet_multinomial.logpmf(counts, prior, counts.sum())
    planned = stats.multinomial.logpmf(counts, counts.sum(), shares)
    return mixture - planned


VARIANCES = [0.5, 10.0, 100.0, 2_500.0, 1e6]
ALPHAS = [0.05, 0.01, 1e-4]
power = NormalIndPower()
p_values = [0.01, 0.04, 0.03, 0.005, 0.6]
counts = [([5_000, 5_000], [0.5, 0.5]), ([5_300, 4_700], [0.5, 0.5]), ([900, 50, 50], [0.9, 0.05, 0.05]), ([0, 3], [0.5, 0.5])]
print(
    json.dumps(
        {
            "normal": [
                {"z": z, "below": stats.norm.cdf(z), "quantile_of": p, "quantile": stats.norm.ppf(p)}
                for z, p in zip([-8.0, -3.0, -1.96, -0.5, 0.0, 0.7, 2.5, 4.0], [1e-12, 1e-5, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999])
            ],
            "log_gamma": [{"x": x, "value": special.gammaln(x)} for x in [0.1, 0.5, 1.0, 3.7, 50.0, 12_345.6]],
            "mixture": [
                {
                    "variance": v,
                    "alpha": alpha,
                    "tuned_variance": tuned,
                    "one_sided": boundaries.normal_mixture_bound(v, alpha, tuned, alpha, True),
                    "two_sided": boundaries.normal_mixture_bound(v, alpha, tuned, alpha, False),
                    "evidence_at": 2.0 * v**0.5,
                    "one_sided_evidence": boundaries.normal_log_mixture(2.0 * v**0.5, v, tuned, alpha, True),
                    "two_sided_evidence": boundaries.normal_log_mixture(2.0 * v**0.5, v, tuned, alpha, False),
                }
                for v in VARIANCES
                for alpha in ALPHAS
                for tuned in [10.0, 5_000.0]
            ],
            "ratio": [ratio(units) for units in (12, 60)],
            "covariate": covariate(80),
            "power": [
                {"effect": effect, "alpha": alpha, "power": p, "units": power.solve_power(effect, alpha=alpha / 2, power=p, alternative="larger")}
                for effect in (0.02, 0.2)
                for alpha in (0.05, 0.001)
                for p in (0.8, 0.95)
            ],
            "holm": {"p_values": p_values, "adjusted": list(multipletests(p_values, method="holm")[1])},
            "sample_ratio": [{"counts": c, "shares": s, "log_evidence": dirichlet(c, s)} for c, s in counts],
        },
        default=float,
    )
)
