-- Rows flagged of each 3W label, by well. Give the first and the last day: '2017-02-01', '2017-02-28'.
SELECT
  class,
  well,
  count(*) AS readings,
  sum(anomaly_flag) AS anomalies,
  100.0 * sum(anomaly_flag) / count(*) AS percent
FROM scored
WHERE "date" BETWEEN ? AND ?
  AND status = 'scored'
GROUP BY class, well
ORDER BY class, well
