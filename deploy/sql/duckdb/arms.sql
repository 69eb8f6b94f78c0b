-- The arm of each session that the archive has reports of, as the server assigns it (unit `session`). Write the salt of the
-- experiment, how far its ramp has come, and its arms with their shares into the first two tables.
WITH experiment AS (
  SELECT 'smooth-2026' AS salt, CAST(1.0 AS DOUBLE) AS exposure
),
shares AS (
  SELECT * FROM (VALUES (0, 'control', 0.5), (1, 'steered', 0.5)) AS arm (position, name, share)
),
arms AS (
  SELECT
    name,
    CAST(share AS DOUBLE) AS share,
    CAST(round(coalesce(sum(CAST(share AS DOUBLE)) OVER earlier, 0) * 1000000) AS BIGINT) AS first_bucket,
    CAST(round(sum(CAST(share AS DOUBLE)) OVER whole * 1000000) AS BIGINT) AS end_bucket
  FROM shares
  WINDOW
    earlier AS (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
    whole AS (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
sessions AS (
  SELECT DISTINCT session FROM read_parquet('ARCHIVE/samples/**/*.parquet', union_by_name = true)
),
buckets AS (
  SELECT
    session,
    CAST('0x' || substr(sha256(salt || '/' || CAST(session AS VARCHAR)), 1, 13) AS BIGINT) % 1000000 AS bucket,
    exposure
  FROM sessions CROSS JOIN experiment
)
SELECT CAST(session AS VARCHAR) AS session, bucket, name AS arm
FROM buckets
LEFT JOIN arms
  ON bucket >= first_bucket
  AND bucket < least(end_bucket, first_bucket + CAST(round(least(share, exposure) * 1000000) AS BIGINT))
ORDER BY buckets.session;
