-- The quantiles of GET /v1/history?step=3600: each value counts as often as it was, so minutes, streams and edges add up.
WITH bins AS (
    SELECT intDiv(toUnixTimestamp(time), 3600) * 3600 AS at_s, measure, value, sum(count) AS times
    FROM file('ARCHIVE/distributions/**/*.parquet', 'Parquet')
    GROUP BY at_s, measure, value
), ranked AS (
    SELECT
        at_s,
        measure,
        value,
        sum(times) OVER (PARTITION BY at_s, measure ORDER BY value) AS up_to,
        sum(times) OVER (PARTITION BY at_s, measure) AS total
    FROM bins
)
SELECT
    at_s,
    measure,
    minIf(value, up_to > floor(0.1 * (total - 1))) AS p10,
    minIf(value, up_to > floor(0.5 * (total - 1))) AS p50,
    minIf(value, up_to > floor(0.9 * (total - 1))) AS p90
FROM ranked
GROUP BY at_s, measure
ORDER BY at_s, measure;
