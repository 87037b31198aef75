-- The hours with the most flagged rows. Give the first and the last day: '2017-02-01', '2017-02-28'.
SELECT
  date_trunc('hour', "timestamp") AS hour,
  well,
  sum(anomaly_flag) AS anomalies,
  count(*) AS readings,
  max(anomaly_score) AS worst_score
FROM scored
WHERE "date" BETWEEN ? AND ?
GROUP BY date_trunc('hour', "timestamp"), well
HAVING sum(anomaly_flag) > 0
ORDER BY anomalies DESC, worst_score DESC
LIMIT 50
