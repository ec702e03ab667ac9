-- Finish reasons, and which of them are truncations.
-- Question: How do answers end, and how many were cut by a limit?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   finish_reason text: the provider's own word; NULL where it said none
--   is_truncated flag: 1 where a limit cut the answer
--   exchanges count: exchanges
--   share_ppm ppm: of the group's exchanges, millionths
--   output_total_tokens tokens: their output
-- Picture: bars share_ppm
WITH selected AS MATERIALIZED (
    SELECT
        CASE coalesce(getvariable('by'), 'model')
            WHEN 'model' THEN coalesce(model_responded, model_requested)
            WHEN 'task' THEN task
            WHEN 'environment' THEN environment
            WHEN 'key' THEN key_id
            WHEN 'provider' THEN provider
            WHEN 'status' THEN CAST(status AS VARCHAR)
            WHEN 'day' THEN strftime(make_timestamp(started_at_us), '%Y-%m-%d')
            WHEN 'hour' THEN strftime(make_timestamp(started_at_us), '%Y-%m-%d %H:00')
            ELSE metadata[substr(getvariable('by'), 6)]
        END AS by_value,
        finish_reason, usage_output_total AS output
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
), counted AS (
    SELECT by_value, finish_reason, count(*) AS exchanges, sum(output) AS output_total_tokens
    FROM selected
    GROUP BY by_value, finish_reason
)
SELECT
    by_value, finish_reason,
    CASE WHEN lower(finish_reason) IN ('length', 'max_tokens', 'max_output_tokens', 'model_context_window_exceeded', 'incomplete') THEN 1 ELSE 0 END AS is_truncated,
    exchanges, 1000000 * exchanges // sum(exchanges) OVER (PARTITION BY by_value) AS share_ppm, output_total_tokens
FROM counted
ORDER BY by_value NULLS FIRST, exchanges DESC, finish_reason NULLS FIRST;
