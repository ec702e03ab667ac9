-- Peak throughput: the seconds in which most exchanges began.
-- Question: What load must be borne?
-- Parameters: the filters, and
--   top 20: rows at most
-- Columns:
--   second_started_at_us instant: the second
--   exchanges count: exchanges that began in it
--   input_total_tokens tokens: their input
--   output_total_tokens tokens: their output
--   request_body_bytes bytes: their requests on the wire
--   response_body_bytes bytes: their answers on the wire
-- Picture: bars exchanges
WITH selected AS (
    SELECT
        intDivOrNull(started_at_us, 1000000) * 1000000 AS second_us, usage_input_total AS input, usage_output_total AS output,
        request_body_bytes, response_body_bytes
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
), seconds AS (
    SELECT
        second_us, count(*) AS exchanges, sum(input) AS input_tokens, sum(output) AS output_tokens,
        sum(request_body_bytes) AS request_bytes, sum(response_body_bytes) AS response_bytes
    FROM selected
    GROUP BY second_us
), placed AS (
    SELECT *, row_number() OVER (ORDER BY exchanges DESC, second_us) AS place
    FROM seconds
)
SELECT
    second_us AS second_started_at_us, exchanges, input_tokens AS input_total_tokens, output_tokens AS output_total_tokens,
    request_bytes AS request_body_bytes, response_bytes AS response_body_bytes
FROM placed
WHERE place <= coalesce({top:Nullable(Int64)}, 20)
ORDER BY place;
