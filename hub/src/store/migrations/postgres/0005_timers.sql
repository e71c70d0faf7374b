-- What is remembered of a case's clocks: limits, stamps, pauses, reminders. A case that was only reported
-- has no row: everything follows from the case itself.
CREATE TABLE case_clocks (
    case_id BIGINT PRIMARY KEY REFERENCES cases (id),
    body    TEXT COLLATE "C" NOT NULL
);

-- What is to be done when. Numbered from the `timer` counter. Pending until it has fired; one whose
-- reason is gone is deleted. A lease keeps a timer that could not be fired from being tried again at once.
CREATE TABLE case_timers (
    id           BIGINT PRIMARY KEY,
    case_id      BIGINT NOT NULL REFERENCES cases (id),
    kind         TEXT COLLATE "C" NOT NULL,
    due_at       BIGINT NOT NULL,
    lease_by     TEXT COLLATE "C",
    lease_until  BIGINT NOT NULL DEFAULT 0,
    attempts     BIGINT NOT NULL DEFAULT 0,
    fired_at     BIGINT
);
CREATE INDEX timers_pending ON case_timers (due_at, id) WHERE fired_at IS NULL;
CREATE UNIQUE INDEX one_pending_timer_of_a_kind ON case_timers (case_id, kind) WHERE fired_at IS NULL;
CREATE INDEX timers_fired ON case_timers (fired_at) WHERE fired_at IS NOT NULL;
INSERT INTO counters (name, value) VALUES ('timer', 0);
