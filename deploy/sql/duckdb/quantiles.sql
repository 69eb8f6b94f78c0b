-- The quantiles of GET /v1/history?step=3600: each value counts as often as it was, so minutes, streams and edges add up.
WITH bins AS (
    SELECT epoch_us(time) // 3600000000 * 3600 AS at_s, measure, value, sum(count) AS count
    FROM read_parquet('ARCHIVE/distributions/**/*.parquet', union_by_name = true)
    GROUP BY ALL
), ranked AS (
    SELECT
        *,
        sum(count) OVER (PARTITION BY at_s, measure ORDER BY value) AS up_to,
        sum(count) OVER (PARTITION BY at_s, measure) AS total
    FROM bins
)
SELECT
    at_s,
    measure,
    min(value) FILTER (up_to > floor(0.1 * (total - 1))) AS p10,
    min(value) FILTER (up_to > floor(0.5 * (total - 1))) AS p50,
    min(value) FILTER (up_to > floor(0.9 * (total - 1))) AS p90
FROM ranked
GROUP BY ALL
ORDER BY at_s, measure;
