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
        tool_calls AS calls, usage_tool_use_prompt AS prompt, cost_tools_nanousd AS cost
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
    by_value, count(*) AS exchanges, count(CASE WHEN calls > 0 THEN 1 END) AS with_tools,
    1000000 * count(CASE WHEN calls > 0 THEN 1 END) // count(*) AS share_ppm,
    sum(calls) AS tool_calls, max(calls) AS most_tool_calls, sum(prompt) AS tool_use_prompt_tokens,
    sum(cost) AS cost_tools_nanousd
FROM selected
WHERE calls IS NOT NULL
GROUP BY by_value
ORDER BY tool_calls DESC, exchanges DESC, by_value NULLS FIRST;
