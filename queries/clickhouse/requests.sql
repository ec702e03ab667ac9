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
WITH selected AS (
    SELECT
        task, environment, outcome, status, stream, request_body_bytes AS sent, response_body_bytes AS received
    FROM facts
    WHERE ({since_us:Nullable(Int64)} IS NULL OR started_at_us >= {since_us:Nullable(Int64)})
        AND ({until_us:Nullable(Int64)} IS NULL OR started_at_us < {until_us:Nullable(Int64)})
        AND ({model:Nullable(String)} IS NULL OR {model:Nullable(String)} IN (model_requested, model_responded))
        AND ({provider:Nullable(String)} IS NULL OR provider = {provider:Nullable(String)})
        AND ({task:Nullable(String)} IS NULL OR task = {task:Nullable(String)})
        AND ({environment:Nullable(String)} IS NULL OR environment = {environment:Nullable(String)})
        AND ({api:Nullable(String)} IS NULL OR api = {api:Nullable(String)})
        AND ({status:Nullable(Int64)} IS NULL OR status = {status:Nullable(Int64)})
        AND ({outcome:Nullable(String)} IS NULL OR outcome = {outcome:Nullable(String)})
        AND ({key:Nullable(String)} IS NULL OR key_id = {key:Nullable(String)})
        AND arrayAll(
            wanted -> mapContains(metadata, wanted.1) AND metadata[wanted.1] = wanted.2,
            JSONExtractKeysAndValues(coalesce({metadata:Nullable(String)}, '{}'), 'String'))
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
