-- Cancelled exchanges: those the caller left, and what they cost.
-- Question: How often do callers leave before the end, how soon, and what is paid for it?
-- Note: a provider seldom reports the usage of a cancelled stream: the sums are lower bounds.
-- Parameters: the filters, and
--   by task: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   cancelled count: left by the caller
--   cancelled_share_ppm ppm: of all, millionths
--   cancelled_streams count: of the cancelled, streamed answers
--   before_first_token count: of those, left before the first token
--   output_total_tokens tokens: output that cancelled exchanges reported
--   cost_total_nanousd nanousd: their cost
--   unpriced count: of the cancelled, with tokens but without a price
--   cancelled_after_p1_us us: time until the caller left, percentile :p1
--   cancelled_after_p2_us us: time until the caller left, percentile :p2
--   cancelled_after_p3_us us: time until the caller left, percentile :p3
--   cancelled_after_p4_us us: time until the caller left, percentile :p4
-- Picture: bars cancelled
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'task') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'task') = 'task', task,
            coalesce({by:Nullable(String)}, 'task') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'task') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'task') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'task') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'task') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'task') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        outcome, stream, ttft_us, usage_output_total AS output, cost_total_nanousd AS cost, usage_source,
        CASE WHEN outcome = 'client_closed' THEN duration_us END AS cancelled_after_us
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
    by_value, count(*) AS exchanges, count(CASE WHEN outcome = 'client_closed' THEN 1 END) AS cancelled,
    intDivOrNull(1000000 * count(CASE WHEN outcome = 'client_closed' THEN 1 END), count(*)) AS cancelled_share_ppm,
    count(CASE WHEN outcome = 'client_closed' AND stream = 1 THEN 1 END) AS cancelled_streams,
    count(CASE WHEN outcome = 'client_closed' AND stream = 1 AND ttft_us IS NULL THEN 1 END) AS before_first_token,
    sum(CASE WHEN outcome = 'client_closed' THEN output END) AS output_total_tokens,
    sum(CASE WHEN outcome = 'client_closed' THEN cost END) AS cost_total_nanousd,
    count(CASE WHEN outcome = 'client_closed' AND cost IS NULL AND usage_source <> 'absent' THEN 1 END) AS unpriced,
    arrayElementOrNull(arraySort(groupArray(cancelled_after_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(cancelled_after_us) + 999, 1000))) AS cancelled_after_p1_us,
    arrayElementOrNull(arraySort(groupArray(cancelled_after_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(cancelled_after_us) + 999, 1000))) AS cancelled_after_p2_us,
    arrayElementOrNull(arraySort(groupArray(cancelled_after_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(cancelled_after_us) + 999, 1000))) AS cancelled_after_p3_us,
    arrayElementOrNull(arraySort(groupArray(cancelled_after_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(cancelled_after_us) + 999, 1000))) AS cancelled_after_p4_us
FROM selected
GROUP BY by_value
ORDER BY cancelled DESC, exchanges DESC, by_value NULLS FIRST;
