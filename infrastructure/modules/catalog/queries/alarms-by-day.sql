-- Alarms that began, by well and day. Give the first and the last day: '2017-02-01', '2017-02-28'.
SELECT
  "date",
  well,
  sum(cardinality(filter(runs, run -> run.opens))) AS alarms
FROM events
WHERE "date" BETWEEN ? AND ?
GROUP BY "date", well
HAVING sum(cardinality(filter(runs, run -> run.opens))) > 0
ORDER BY "date" DESC, alarms DESC
