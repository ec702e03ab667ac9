-- Reasoning: its share of the output, its cost, and the wait for the first visible token.
-- Question: How much is thought before anything is said?
-- Parameters: the filters, and
--   by model: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges that reported reasoning tokens
--   output_total_tokens tokens: their output
--   output_reasoning_tokens tokens: hidden reasoning in it
--   reasoning_share_ppm ppm: reasoning of all output, millionths
--   cost_reasoning_nanousd nanousd: cost of reasoning
--   first_visible_p1_us us: time to the first visible token, percentile :p1
--   first_visible_p2_us us: time to the first visible token, percentile :p2
--   first_visible_p3_us us: time to the first visible token, percentile :p3
--   first_visible_p4_us us: time to the first visible token, percentile :p4
-- Picture: bars reasoning_share_ppm
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
        usage_output_total AS output, usage_output_reasoning AS reasoning, first_visible_us, cost_reasoning_nanousd AS cost
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
), reasoned AS (
    SELECT *
    FROM selected
    WHERE output IS NOT NULL AND reasoning IS NOT NULL
)
SELECT
    by_value, count(*) AS exchanges, sum(output) AS output_total_tokens, sum(reasoning) AS output_reasoning_tokens,
    CASE WHEN sum(output) > 0 THEN intDivOrNull(1000000 * sum(reasoning), sum(output)) END AS reasoning_share_ppm,
    sum(cost) AS cost_reasoning_nanousd,
    arrayElementOrNull(arraySort(groupArray(first_visible_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(first_visible_us) + 999, 1000))) AS first_visible_p1_us,
    arrayElementOrNull(arraySort(groupArray(first_visible_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(first_visible_us) + 999, 1000))) AS first_visible_p2_us,
    arrayElementOrNull(arraySort(groupArray(first_visible_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(first_visible_us) + 999, 1000))) AS first_visible_p3_us,
    arrayElementOrNull(arraySort(groupArray(first_visible_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(first_visible_us) + 999, 1000))) AS first_visible_p4_us
FROM reasoned
GROUP BY by_value
ORDER BY output_reasoning_tokens DESC, exchanges DESC, by_value NULLS FIRST;
