-- Data-set candidates: whole, good answers with both bodies kept.
-- Question: Which tasks have traffic worth learning from?
-- Note: `weir dataset build` selects by its own recipe; this counts what is there to select from.
-- Parameters: the filters, and
--   by task: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   candidates count: completed with 2xx, no error, output, not truncated, both bodies kept in full
--   candidate_share_ppm ppm: of all, millionths
--   with_tools count: candidates that call tools
--   input_total_tokens tokens: input of the candidates
--   output_total_tokens tokens: output of the candidates
--   first_started_at_us instant: the first candidate's start
--   last_started_at_us instant: the last candidate's start
-- Picture: bars candidates
WITH selected AS MATERIALIZED (
    SELECT
        CASE coalesce(getvariable('by'), 'task')
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
        started_at_us AS began_us, usage_input_total AS input, usage_output_total AS output, tool_calls AS calls,
        CASE
            WHEN outcome = 'completed' AND status BETWEEN 200 AND 299 AND provider_error IS NULL AND api IS NOT NULL
                AND request_body_kept = 'full' AND response_body_kept = 'full' AND usage_output_total > 0
                AND coalesce(lower(finish_reason), '') NOT IN ('length', 'max_tokens', 'max_output_tokens', 'model_context_window_exceeded', 'incomplete')
                THEN 1
            ELSE 0
        END AS is_candidate
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
    by_value, count(*) AS exchanges, count(CASE WHEN is_candidate = 1 THEN 1 END) AS candidates,
    1000000 * count(CASE WHEN is_candidate = 1 THEN 1 END) // count(*) AS candidate_share_ppm,
    count(CASE WHEN is_candidate = 1 AND calls > 0 THEN 1 END) AS with_tools,
    sum(CASE WHEN is_candidate = 1 THEN input END) AS input_total_tokens, sum(CASE WHEN is_candidate = 1 THEN output END) AS output_total_tokens,
    min(CASE WHEN is_candidate = 1 THEN began_us END) AS first_started_at_us, max(CASE WHEN is_candidate = 1 THEN began_us END) AS last_started_at_us
FROM selected
GROUP BY by_value
ORDER BY candidates DESC, exchanges DESC, by_value NULLS FIRST;
