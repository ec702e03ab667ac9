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
), placed AS (
    SELECT *, row_number() OVER (ORDER BY duration_us DESC, id) AS place
    FROM selected
    WHERE duration_us IS NOT NULL
)
SELECT
    started_at_us, id, provider, model, task, environment, status, outcome, duration_us, ttft_us,
    input AS input_total_tokens, output AS output_total_tokens, request_body_bytes, response_body_bytes
FROM placed
WHERE place <= coalesce(getvariable('top'), 20)
ORDER BY place;
