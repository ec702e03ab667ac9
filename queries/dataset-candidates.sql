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
        CASE coalesce(:by, 'task')
            WHEN 'model' THEN coalesce(model_responded, model_requested)
            WHEN 'task' THEN task
            WHEN 'environment' THEN environment
            WHEN 'key' THEN key_id
            WHEN 'provider' THEN provider
            WHEN 'status' THEN CAST(status AS TEXT)
            WHEN 'day' THEN strftime('%Y-%m-%d', started_at_us / 1000000, 'unixepoch')
            WHEN 'hour' THEN strftime('%Y-%m-%d %H:00', started_at_us / 1000000, 'unixepoch')
            ELSE (SELECT held.value FROM json_each(facts.metadata) AS held WHERE held.key = substr(:by, 6))
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
    by_value, count(*) AS exchanges, count(CASE WHEN is_candidate = 1 THEN 1 END) AS candidates,
    1000000 * count(CASE WHEN is_candidate = 1 THEN 1 END) / count(*) AS candidate_share_ppm,
    count(CASE WHEN is_candidate = 1 AND calls > 0 THEN 1 END) AS with_tools,
    sum(CASE WHEN is_candidate = 1 THEN input END) AS input_total_tokens, sum(CASE WHEN is_candidate = 1 THEN output END) AS output_total_tokens,
    min(CASE WHEN is_candidate = 1 THEN began_us END) AS first_started_at_us, max(CASE WHEN is_candidate = 1 THEN began_us END) AS last_started_at_us
FROM selected
GROUP BY by_value
ORDER BY candidates DESC, exchanges DESC, by_value NULLS FIRST;
