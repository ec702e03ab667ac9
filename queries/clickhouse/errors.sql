-- Errors by provider, status and code.
-- Question: What went wrong, where, and when last?
-- Note: every exchange that did not complete, or was answered with a status of 400 or more.
-- Parameters: the filters.
-- Columns:
--   provider text: provider
--   status code: status sent to the caller
--   outcome text: how it ended
--   error_source text: gateway or provider
--   error_code text: the gateway's own code
--   provider_error text: class read from the provider's answer
--   exchanges count: exchanges
--   last_started_at_us instant: the last one's start
-- Picture: bars exchanges
WITH selected AS (
    SELECT
        provider, status, outcome, error_source, error_code, provider_error, started_at_us
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
    provider, status, outcome, error_source, error_code, provider_error, count(*) AS exchanges,
    max(started_at_us) AS last_started_at_us
FROM selected
WHERE outcome <> 'completed' OR status >= 400 OR provider_error IS NOT NULL
GROUP BY provider, status, outcome, error_source, error_code, provider_error
ORDER BY
    exchanges DESC, provider, status NULLS FIRST, outcome, error_source NULLS FIRST, error_code NULLS FIRST,
    provider_error NULLS FIRST;
