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
    provider, status, outcome, error_source, error_code, provider_error, count(*) AS exchanges,
    max(started_at_us) AS last_started_at_us
FROM selected
WHERE outcome <> 'completed' OR status >= 400 OR provider_error IS NOT NULL
GROUP BY provider, status, outcome, error_source, error_code, provider_error
ORDER BY
    exchanges DESC, provider, status NULLS FIRST, outcome, error_source NULLS FIRST, error_code NULLS FIRST,
    provider_error NULLS FIRST;
