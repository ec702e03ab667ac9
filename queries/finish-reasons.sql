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
        CASE coalesce(:by, 'model')
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
        finish_reason, usage_output_total AS output
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
), counted AS (
    SELECT by_value, finish_reason, count(*) AS exchanges, sum(output) AS output_total_tokens
    FROM selected
    GROUP BY by_value, finish_reason
)
SELECT
    by_value, finish_reason,
    CASE WHEN lower(finish_reason) IN ('length', 'max_tokens', 'max_output_tokens', 'model_context_window_exceeded', 'incomplete') THEN 1 ELSE 0 END AS is_truncated,
    exchanges, 1000000 * exchanges / sum(exchanges) OVER (PARTITION BY by_value) AS share_ppm, output_total_tokens
FROM counted
ORDER BY by_value NULLS FIRST, exchanges DESC, finish_reason NULLS FIRST;
