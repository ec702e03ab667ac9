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
WITH selected AS (
    SELECT
        started_at_us, id, provider, coalesce(model_responded, model_requested) AS model, task, environment, status, outcome,
        duration_us, ttft_us, usage_input_total AS input, usage_output_total AS output, request_body_bytes,
        response_body_bytes
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
), placed AS (
    SELECT *, row_number() OVER (ORDER BY duration_us DESC, id) AS place
    FROM selected
    WHERE duration_us IS NOT NULL
)
SELECT
    started_at_us, id, provider, model, task, environment, status, outcome, duration_us, ttft_us,
    input AS input_total_tokens, output AS output_total_tokens, request_body_bytes, response_body_bytes
FROM placed
WHERE place <= coalesce({top:Nullable(Int64)}, 20)
ORDER BY place;
