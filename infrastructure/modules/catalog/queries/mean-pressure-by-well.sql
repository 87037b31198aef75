-- Mean pressures in bar, normal against flagged. Give the first and the last day: '2017-02-01', '2017-02-28'.
SELECT
  well,
  anomaly_flag,
  count(*) AS readings,
  avg(p_pdg) / 1e5 AS p_pdg_bar,
  avg(p_tpt) / 1e5 AS p_tpt_bar,
  avg(p_mon_ckp) / 1e5 AS p_mon_ckp_bar
FROM scored
WHERE "date" BETWEEN ? AND ?
  AND status = 'scored'
GROUP BY well, anomaly_flag
ORDER BY well, anomaly_flag
