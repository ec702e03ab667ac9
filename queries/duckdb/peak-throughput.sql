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
WITH selected AS MATERIALIZED (
    SELECT
        started_at_us // 1000000 * 1000000 AS second_us, usage_input_total AS input, usage_output_total AS output,
        request_body_bytes, response_body_bytes
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
WHERE place <= coalesce(getvariable('top'), 20)
ORDER BY place;
