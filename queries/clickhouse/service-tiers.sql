-- Service tiers: traffic, cost and latency of each tier as served.
-- Question: Is a dearer tier faster, and is a cheaper one slow?
-- Parameters: the filters, and
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   provider text: provider
--   service_tier text: as the provider served it; NULL where it said none
--   exchanges count: exchanges
--   input_total_tokens tokens: input, cached included
--   output_total_tokens tokens: output, reasoning included
--   cost_total_nanousd nanousd: cost by the price book
--   duration_p1_us us: from the request's head to the end, percentile :p1
--   duration_p2_us us: from the request's head to the end, percentile :p2
--   duration_p3_us us: from the request's head to the end, percentile :p3
--   duration_p4_us us: from the request's head to the end, percentile :p4
--   ttft_p1_us us: time to first token, percentile :p1
--   ttft_p2_us us: time to first token, percentile :p2
--   ttft_p3_us us: time to first token, percentile :p3
--   ttft_p4_us us: time to first token, percentile :p4
-- Picture: bars cost_total_nanousd
WITH selected AS (
    SELECT
        provider, service_tier, usage_input_total AS input, usage_output_total AS output, cost_total_nanousd AS cost,
        duration_us, ttft_us
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
)
SELECT
    provider, service_tier, count(*) AS exchanges, sum(input) AS input_total_tokens, sum(output) AS output_total_tokens,
    sum(cost) AS cost_total_nanousd,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(duration_us) + 999, 1000))) AS duration_p1_us,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(duration_us) + 999, 1000))) AS duration_p2_us,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(duration_us) + 999, 1000))) AS duration_p3_us,
    arrayElementOrNull(arraySort(groupArray(duration_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(duration_us) + 999, 1000))) AS duration_p4_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(ttft_us) + 999, 1000))) AS ttft_p1_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(ttft_us) + 999, 1000))) AS ttft_p2_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(ttft_us) + 999, 1000))) AS ttft_p3_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(ttft_us) + 999, 1000))) AS ttft_p4_us
FROM selected
GROUP BY provider, service_tier
ORDER BY exchanges DESC, provider, service_tier NULLS FIRST;
