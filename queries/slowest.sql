-- The slowest exchanges.
-- Question: Which single exchanges took longest, and what were they?
-- Parameters: the filters, and
--   top 20: rows at most
-- Columns:
--   started_at_us instant: start
--   id text: id of the exchange
--   provider text: provider
--   model text: the model that answered, else the one asked for
--   task text: task
--   environment text: environment
--   status code: status sent to the caller
--   outcome text: how it ended
--   duration_us us: from the request's head to the end
--   ttft_us us: time to first token
--   input_total_tokens tokens: input tokens
--   output_total_tokens tokens: output tokens
--   request_body_bytes bytes: request on the wire
--   response_body_bytes bytes: answer on the wire
-- Picture: bars duration_us
WITH selected AS MATERIALIZED (
    SELECT
        started_at_us, id, provider, coalesce(model_responded, model_requested) AS model, task, environment, status, outcome,
        duration_us, ttft_us, usage_input_total AS input, usage_output_total AS output, request_body_bytes,
        response_body_bytes
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
), placed AS (
    SELECT *, row_number() OVER (ORDER BY duration_us DESC, id) AS place
    FROM selected
    WHERE duration_us IS NOT NULL
)
SELECT
    started_at_us, id, provider, model, task, environment, status, outcome, duration_us, ttft_us,
    input AS input_total_tokens, output AS output_total_tokens, request_body_bytes, response_body_bytes
FROM placed
WHERE place <= coalesce(:top, 20)
ORDER BY place;
