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
WITH selected AS MATERIALIZED (
    SELECT
        provider, status, outcome, error_source, error_code, provider_error, started_at_us
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
    provider, status, outcome, error_source, error_code, provider_error, count(*) AS exchanges,
    max(started_at_us) AS last_started_at_us
FROM selected
WHERE outcome <> 'completed' OR status >= 400 OR provider_error IS NOT NULL
GROUP BY provider, status, outcome, error_source, error_code, provider_error
ORDER BY
    exchanges DESC, provider, status NULLS FIRST, outcome, error_source NULLS FIRST, error_code NULLS FIRST,
    provider_error NULLS FIRST;
