-- Decisions that changed something, by reason; and the reports of the sampled sessions that led there, by source.
SELECT 'decision' AS kind, reason AS name, count(*) AS rows
FROM read_parquet('ARCHIVE/decisions/**/*.parquet', union_by_name = true)
GROUP BY ALL
UNION ALL
SELECT 'report', source, count(*)
FROM read_parquet('ARCHIVE/samples/**/*.parquet', union_by_name = true)
GROUP BY ALL
ORDER BY kind, name;
