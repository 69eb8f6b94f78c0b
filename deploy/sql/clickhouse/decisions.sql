-- Decisions that changed something, by reason; and the reports of the sampled sessions that led there, by source.
SELECT 'decision' AS kind, reason AS name, count() AS rows
FROM file('ARCHIVE/decisions/**/*.parquet', 'Parquet')
GROUP BY name
UNION ALL
SELECT 'report' AS kind, source AS name, count() AS rows
FROM file('ARCHIVE/samples/**/*.parquet', 'Parquet')
GROUP BY name
ORDER BY kind, name;
