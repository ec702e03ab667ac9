-- Time to first token and tokens per second by provider and hour.
-- Question: Which provider is slow to begin or slow to write, and at which hours?
-- Parameters: the filters, and
--   p1 500: the first percentile, per mille
--   p2 750: the second
--   p3 900: the third
--   p4 990: the fourth
-- Columns:
--   hour text: hour in UTC
--   provider text: provider
--   exchanges count: exchanges
--   streams_with_ttft count: streamed answers whose first token is known
--   ttft_p1_us us: time to first token, percentile :p1
--   ttft_p2_us us: time to first token, percentile :p2
--   ttft_p3_us us: time to first token, percentile :p3
--   ttft_p4_us us: time to first token, percentile :p4
--   streams_with_speed count: streamed answers whose speed is known
--   tokens_per_second_p50 tokens/s: the speed that half of the streams reach at most
--   tokens_per_second_p10 tokens/s: the speed that nine of ten streams exceed or reach
-- Picture: line hour ttft_p3_us by provider
WITH selected AS (
    SELECT
        formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00') AS hour, provider, ttft_us,
        tokens_per_second
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
    hour, provider, count(*) AS exchanges, count(ttft_us) AS streams_with_ttft,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p1:Nullable(Int64)}, 500) * count(ttft_us) + 999, 1000))) AS ttft_p1_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p2:Nullable(Int64)}, 750) * count(ttft_us) + 999, 1000))) AS ttft_p2_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p3:Nullable(Int64)}, 900) * count(ttft_us) + 999, 1000))) AS ttft_p3_us,
    arrayElementOrNull(arraySort(groupArray(ttft_us)), toUInt64(intDiv(coalesce({p4:Nullable(Int64)}, 990) * count(ttft_us) + 999, 1000))) AS ttft_p4_us,
    count(tokens_per_second) AS streams_with_speed,
    arrayElementOrNull(arraySort(groupArray(tokens_per_second)), toUInt64(intDiv(500 * count(tokens_per_second) + 999, 1000))) AS tokens_per_second_p50,
    arrayElementOrNull(arraySort(groupArray(tokens_per_second)), toUInt64(intDiv(100 * count(tokens_per_second) + 999, 1000))) AS tokens_per_second_p10
FROM selected
GROUP BY hour, provider
ORDER BY hour, provider;
