-- Of the loads: from the ledger.

CREATE VIEW {report}.top_rejects AS
SELECT c.name AS contract, entry->>'code' AS reason, entry->>'column' AS "column",
    count(DISTINCT r.reject_id) AS rejects,
    count(DISTINCT r.reject_id) FILTER (WHERE r.state = 'open') AS open_rejects,
    count(DISTINCT r.file_id) AS files,
    min(r.reject_id) AS example_reject_id
FROM ingest.reject AS r
JOIN ingest.file AS f USING (file_id)
JOIN ingest.contract AS c USING (contract_id)
CROSS JOIN jsonb_array_elements(r.reasons) AS entry
GROUP BY 1, 2, 3
ORDER BY 4 DESC, 1, 2, 3;

COMMENT ON VIEW {report}.top_rejects IS 'Rows that broke their contract by contract, reason and column, most frequent first';

CREATE VIEW {report}.latency AS
SELECT (f.loaded_at AT TIME ZONE 'UTC')::date AS load_date, f.target, c.name AS contract,
    count(*) AS files,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY f.loaded_at - f.event_time_max) AS event_to_database_median,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY f.loaded_at - f.event_time_max) AS event_to_database_p95,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY f.loaded_at - f.modified_at) AS file_to_database_median,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY f.loaded_at - f.modified_at) AS file_to_database_p95
FROM ingest.file AS f
JOIN ingest.contract AS c USING (contract_id)
WHERE f.state = 'loaded'
GROUP BY 1, 2, 3;

COMMENT ON VIEW {report}.latency IS
    'How long after its last trade, and after it was written by the vendor, a file was in the database';
