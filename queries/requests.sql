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
    WHERE (:since_us IS NULL OR started_at_us >= :since_us)
        AND (:until_us IS NULL OR started_at_us < :until_us)
        AND (:model IS NULL OR :model IN (model_requested, model_responded))
        AND (:provider IS NULL OR provider = :provider)
        AND (:task IS NULL OR task = :task)
        AND (:environment IS NULL OR environment = :environment)
        AND (:api IS NULL OR api = :api)
        AND (:status IS NULL OR status = :status)
        AND (:outcome IS NULL OR outcome = :outcome)
        AND (:key IS NULL OR key_id = :key)
        AND (:metadata IS NULL OR NOT EXISTS (
            SELECT 1 FROM json_each(:metadata) AS wanted
            WHERE NOT EXISTS (
                SELECT 1 FROM json_each(facts.metadata) AS held
                WHERE held.key = wanted.key AND held.value = wanted.value)))
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
