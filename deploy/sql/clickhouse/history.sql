-- What GET /v1/history?step=3600 says, from the archive: sums of every hour.
-- sed 's|ARCHIVE|/var/lib/headroom/archive|' history.sql | clickhouse local
-- In a bucket: s3('https://HOST/BUCKET/PREFIX/minutes/**/*.parquet', 'Parquet') in place of file(…).
SELECT
    intDiv(toUnixTimestamp(time), 3600) * 3600 AS at_s,
    sum(sessions) / uniqExact(time) AS sessions,
    sum(watched_ms) / 1000 AS watched_s,
    least(sum(stalled_ms) / nullIf(sum(watched_ms), 0), 1) AS stall_ratio,
    sum(stalls) AS stalls,
    sum(played_kbit) / (uniqExact(time) * 60) AS egress_kbps
FROM file('ARCHIVE/minutes/**/*.parquet', 'Parquet')
GROUP BY at_s
ORDER BY at_s;
