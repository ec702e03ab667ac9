-- Tool calls: how many answers call tools, and how many at once.
-- Question: Which models and tasks work with tools?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges whose tool calls are counted
--   with_tools count: of them, with any
--   share_ppm ppm: those of all counted, millionths
--   tool_calls count: tool calls
--   most_tool_calls count: most in one answer
--   tool_use_prompt_tokens tokens: prompts of the provider's own tools
--   cost_tools_nanousd nanousd: cost of the provider's own tools
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
        tool_calls AS calls, usage_tool_use_prompt AS prompt, cost_tools_nanousd AS cost
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
    by_value, count(*) AS exchanges, count(CASE WHEN calls > 0 THEN 1 END) AS with_tools,
    1000000 * count(CASE WHEN calls > 0 THEN 1 END) / count(*) AS share_ppm,
    sum(calls) AS tool_calls, max(calls) AS most_tool_calls, sum(prompt) AS tool_use_prompt_tokens,
    sum(cost) AS cost_tools_nanousd
FROM selected
WHERE calls IS NOT NULL
GROUP BY by_value
ORDER BY tool_calls DESC, exchanges DESC, by_value NULLS FIRST;
