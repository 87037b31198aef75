-- Every row that was flagged, newest first. Give the first and the last day: '2017-02-01', '2017-02-28'.
SELECT "timestamp", well, recording, anomaly_score, top_sensor, class, p_pdg, p_tpt, t_tpt, p_mon_ckp, t_jus_ckp
FROM scored
WHERE "date" BETWEEN ? AND ?
  AND anomaly_flag = 1
ORDER BY "timestamp" DESC, well
LIMIT 10000
