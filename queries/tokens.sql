-- Tokens by model and UTC day, as the providers reported them.
-- Question: How many tokens of each class went through, day by day?
-- Note: a class that no exchange of the group reported is NULL (unknown), not 0.
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   day text: day in UTC
--   exchanges count: exchanges
--   input_total_tokens tokens: input, cached included
--   input_cached_tokens tokens: input read from a cache
--   cache_write_tokens tokens: input written to a cache
--   output_total_tokens tokens: output, reasoning included
--   output_reasoning_tokens tokens: hidden reasoning
--   usage_partial count: exchanges that reported a part
--   usage_absent count: exchanges that reported nothing
-- Picture: line day output_total_tokens by by_value
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
        strftime('%Y-%m-%d', started_at_us / 1000000, 'unixepoch') AS day, usage_input_total AS input,
        usage_input_cached AS cached, usage_cache_write_total AS written, usage_output_total AS output,
        usage_output_reasoning AS reasoning, usage_source
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
    by_value, day, count(*) AS exchanges,
    sum(input) AS input_total_tokens, sum(cached) AS input_cached_tokens, sum(written) AS cache_write_tokens,
    sum(output) AS output_total_tokens, sum(reasoning) AS output_reasoning_tokens,
    count(CASE WHEN usage_source = 'partial' THEN 1 END) AS usage_partial, count(CASE WHEN usage_source = 'absent' THEN 1 END) AS usage_absent
FROM selected
GROUP BY by_value, day
ORDER BY day, by_value NULLS FIRST;
