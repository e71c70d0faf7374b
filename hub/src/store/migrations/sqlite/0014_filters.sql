-- What lists of cases are filtered by: limit, card and who handles it. They stand in the body, too.
ALTER TABLE cases ADD COLUMN due_at INTEGER;
ALTER TABLE cases ADD COLUMN card TEXT NOT NULL DEFAULT 'none';
ALTER TABLE cases ADD COLUMN handler TEXT;
UPDATE cases SET
    due_at = CAST(ROUND((julianday(json_extract(body, '$.progress.due_at')) - 2440587.5) * 86400000) AS INTEGER),
    card = COALESCE(json_extract(body, '$.progress.card'), 'none'),
    handler = json_extract(body, '$.progress.handler');
CREATE INDEX cases_by_due ON cases (due_at) WHERE is_open = 1;
CREATE INDEX cases_by_handler ON cases (handler) WHERE is_open = 1;

-- Sites are shown with their first gateway.
CREATE INDEX gateways_by_site ON gateways (site, id) WHERE revoked_at IS NULL;
