-- Requests by task and environment: how they ended, how many were streams, and bytes on the wire.
-- Question: Who uses the gateway, and how does it end?
-- Parameters: the filters.
-- Columns:
--   task text: task
--   environment text: environment
--   exchanges count: exchanges
--   completed count: the provider's answer reached the caller whole, whatever its status
--   client_closed count: left by the caller
--   failed count: ended otherwise
--   error_answers count: answered with 400 or more
--   streams count: streamed answers
--   request_body_bytes bytes: requests on the wire
--   response_body_bytes bytes: answers on the wire
-- Picture: bars exchanges
WITH selected AS MATERIALIZED (
    SELECT
        task, environment, outcome, status, stream, request_body_bytes AS sent, response_body_bytes AS received
    FROM facts
    WHERE (getvariable('since_us') IS NULL OR started_at_us >= getvariable('since_us'))
        AND (getvariable('until_us') IS NULL OR started_at_us < getvariable('until_us'))
        AND (getvariable('model') IS NULL OR getvariable('model') IN (model_requested, model_responded))
        AND (getvariable('provider') IS NULL OR provider = getvariable('provider'))
        AND (getvariable('task') IS NULL OR task = getvariable('task'))
        AND (getvariable('environment') IS NULL OR environment = getvariable('environment'))
        AND (getvariable('api') IS NULL OR api = getvariable('api'))
        AND (getvariable('status') IS NULL OR status = getvariable('status'))
        AND (getvariable('outcome') IS NULL OR outcome = getvariable('outcome'))
        AND (getvariable('key') IS NULL OR key_id = getvariable('key'))
        AND list_has_all(
            map_entries(metadata),
            map_entries(CAST(CAST(coalesce(getvariable('metadata'), '{}') AS JSON) AS MAP(VARCHAR, VARCHAR))))
)
SELECT
    task, environment, count(*) AS exchanges,
    count(CASE WHEN outcome = 'completed' THEN 1 END) AS completed, count(CASE WHEN outcome = 'client_closed' THEN 1 END) AS client_closed,
    count(CASE WHEN outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS failed,
    count(CASE WHEN status >= 400 THEN 1 END) AS error_answers, count(CASE WHEN stream = 1 THEN 1 END) AS streams,
    sum(sent) AS request_body_bytes, sum(received) AS response_body_bytes
FROM selected
GROUP BY task, environment
ORDER BY exchanges DESC, task, environment NULLS FIRST;
