-- Error rate: how many of all exchanges went wrong.
-- Question: How reliable is each provider, model or task?
-- Parameters: the filters, and
--   by provider: what the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME
-- Columns:
--   by_value text: the model, task, ... that :by names; NULL where the exchange has none
--   exchanges count: exchanges
--   rate_limited count: answered with 429
--   client_errors count: answered with another 4xx
--   server_errors count: answered with 500 or more
--   failed count: ended without the provider's whole answer, by no wish of the caller
--   client_closed count: left by the caller
--   bad count: answered with 400 or more, or failed
--   error_rate_ppm ppm: bad of all, millionths
-- Picture: bars error_rate_ppm
WITH selected AS (
    SELECT
        multiIf(
            coalesce({by:Nullable(String)}, 'provider') = 'model', coalesce(model_responded, model_requested),
            coalesce({by:Nullable(String)}, 'provider') = 'task', task,
            coalesce({by:Nullable(String)}, 'provider') = 'environment', environment,
            coalesce({by:Nullable(String)}, 'provider') = 'key', key_id,
            coalesce({by:Nullable(String)}, 'provider') = 'provider', provider,
            coalesce({by:Nullable(String)}, 'provider') = 'status', toString(status),
            coalesce({by:Nullable(String)}, 'provider') = 'day', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d'),
            coalesce({by:Nullable(String)}, 'provider') = 'hour', formatDateTime(fromUnixTimestamp64Micro(started_at_us, 'UTC'), '%Y-%m-%d %H:00'),
            if(mapContains(metadata, substring(coalesce({by:Nullable(String)}, ''), 6)),
                metadata[substring(coalesce({by:Nullable(String)}, ''), 6)], NULL)) AS by_value,
        status, outcome
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
    by_value, count(*) AS exchanges, count(CASE WHEN status = 429 THEN 1 END) AS rate_limited,
    count(CASE WHEN status BETWEEN 400 AND 499 AND status <> 429 THEN 1 END) AS client_errors, count(CASE WHEN status >= 500 THEN 1 END) AS server_errors,
    count(CASE WHEN outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS failed, count(CASE WHEN outcome = 'client_closed' THEN 1 END) AS client_closed,
    count(CASE WHEN status >= 400 OR outcome NOT IN ('completed', 'client_closed') THEN 1 END) AS bad,
    intDivOrNull(1000000 * count(CASE WHEN status >= 400 OR outcome NOT IN ('completed', 'client_closed') THEN 1 END), count(*)) AS error_rate_ppm
FROM selected
GROUP BY by_value
ORDER BY error_rate_ppm DESC, exchanges DESC, by_value NULLS FIRST;
