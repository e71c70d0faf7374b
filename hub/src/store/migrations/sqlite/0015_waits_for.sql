-- What waits for somebody's decision: a unit's request for more time or a standstill, or its appeal. Few cases
-- have something; they are found without reading the others.
ALTER TABLE cases ADD COLUMN waits_for TEXT;
UPDATE cases SET waits_for = json_extract(body, '$.progress.ask.what')
    WHERE state IN ('dispatched', 'handling') AND json_extract(body, '$.progress.ask.what') IS NOT NULL;
UPDATE cases SET waits_for = 'appeal'
    WHERE state = 'closed' AND json_type(body, '$.progress.appeal') = 'object'
        AND json_array_length(body, '$.progress.appeal.reviews') < 2;
CREATE INDEX cases_waiting ON cases (waits_for, id) WHERE waits_for IS NOT NULL;
