-- Tokens by model and UTC day, as the providers reported them.
-- A class that no exchange of the group reported is NULL (unknown), not 0; usage_absent counts the exchanges that reported nothing.
WITH selected AS MATERIALIZED (
    SELECT
        coalesce(model_responded, model_requested) AS model, date(started_at_us / 1000000, 'unixepoch') AS day,
        usage_input_total, usage_input_cached, usage_cache_write_total, usage_output_total, usage_output_reasoning, usage_source
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
    model, day, count(*) AS exchanges,
    sum(usage_input_total) AS input_total_tokens, sum(usage_input_cached) AS input_cached_tokens,
    sum(usage_cache_write_total) AS cache_write_tokens, sum(usage_output_total) AS output_total_tokens,
    sum(usage_output_reasoning) AS output_reasoning_tokens,
    sum(usage_source = 'partial') AS usage_partial, sum(usage_source = 'absent') AS usage_absent
FROM selected
GROUP BY model, day
ORDER BY day, model;
