-- The arm of each session that the archive has reports of, as the server assigns it (unit `session`). Write the salt of the
-- experiment, how far its ramp has come, and its arms with their shares into the first lines.
WITH
  'smooth-2026' AS salt,
  1.0 AS exposure,
  ['control', 'steered'] AS names,
  [0.5, 0.5] AS shares,
  arrayCumSum(shares) AS sums,
  arrayMap(sum -> toUInt64(round(sum * 1000000)), arrayPushFront(arrayPopBack(sums), 0.)) AS first_buckets,
  arrayMap(
    (sum, first, share) -> least(toUInt64(round(sum * 1000000)), first + toUInt64(round(least(share, exposure) * 1000000))),
    sums, first_buckets, shares
  ) AS end_buckets
SELECT
  toString(session_id) AS session,
  reinterpretAsUInt64(reverse(unhex(concat('000', substring(hex(SHA256(concat(salt, '/', toString(session_id)))), 1, 13))))) % 1000000 AS bucket,
  arrayFirstIndex((first, end) -> (bucket >= first) AND (bucket < end), first_buckets, end_buckets) AS position,
  if(position = 0, NULL, names[position]) AS arm
FROM (SELECT DISTINCT session AS session_id FROM file('ARCHIVE/samples/**/*.parquet', 'Parquet'))
ORDER BY session_id;
