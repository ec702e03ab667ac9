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
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'model') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'model') = 'task', task,
            coalesce({by:Nullable(String)}, 'model') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'model') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'model') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'model') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'model') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'model') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        finish_reason, usage_output_total AS output
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
), counted AS (
    SELECT by_value, finish_reason, count(*) AS exchanges, sum(output) AS output_total_tokens
    FROM selected
    GROUP BY by_value, finish_reason
)
SELECT
    by_value, finish_reason,
    CASE WHEN lower(finish_reason) IN ('length', 'max_tokens', 'max_output_tokens', 'model_context_window_exceeded', 'incomplete') THEN 1 ELSE 0 END AS is_truncated,
    exchanges, intDivOrNull(1000000 * exchanges, sum(exchanges) OVER (PARTITION BY by_value)) AS share_ppm, output_total_tokens
FROM counted
ORDER BY by_value NULLS FIRST, exchanges DESC, finish_reason NULLS FIRST;
