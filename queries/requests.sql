-- Requests by task and environment: how they ended, how many were streams, and bytes on the wire.
-- completed: the provider's answer reached the caller whole, whatever its status; error_answers: answered with 400 or more.
WITH selected AS MATERIALIZED (
    SELECT task, environment, outcome, status, stream, request_body_bytes, response_body_bytes
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
    sum(outcome = 'completed') AS completed, sum(outcome = 'client_closed') AS client_closed,
    sum(outcome NOT IN ('completed', 'client_closed')) AS failed,
    count(CASE WHEN status >= 400 THEN 1 END) AS error_answers, sum(stream) AS streams,
    sum(request_body_bytes) AS request_body_bytes, sum(response_body_bytes) AS response_body_bytes
FROM selected
GROUP BY task, environment
ORDER BY exchanges DESC, task, environment;
