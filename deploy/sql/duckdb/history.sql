-- What GET /v1/history?step=3600 says, from the archive: sums of every hour.
-- sed 's|ARCHIVE|/var/lib/headroom/archive|' history.sql | duckdb
SELECT
    epoch_us(time) // 3600000000 * 3600 AS at_s,
    sum(sessions) / count(DISTINCT time) AS sessions,
    sum(watched_ms) / 1000 AS watched_s,
    least(sum(stalled_ms) / nullif(sum(watched_ms), 0), 1) AS stall_ratio,
    sum(stalls)::BIGINT AS stalls,
    sum(played_kbit) / (count(DISTINCT time) * 60) AS egress_kbps
FROM read_parquet('ARCHIVE/minutes/**/*.parquet', union_by_name = true)
GROUP BY 1
ORDER BY 1;
