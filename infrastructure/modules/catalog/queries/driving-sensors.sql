-- Which sensors were furthest off in flagged rows. Give the first and the last day: '2017-02-01', '2017-02-28'.
SELECT
  well,
  top_sensor,
  count(*) AS anomalies,
  max(anomaly_score) AS worst_score,
  min("timestamp") AS first_seen,
  max("timestamp") AS last_seen
FROM scored
WHERE "date" BETWEEN ? AND ?
  AND anomaly_flag = 1
GROUP BY well, top_sensor
ORDER BY anomalies DESC, well, top_sensor
