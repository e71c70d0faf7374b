-- One row for each message to one recipient of one channel about one event. `state` is waiting,
-- sending (until `lease_until`, by `lease_owner`), delivered, merged (its news went out with the row
-- `message_id`), or dead (given up; can be sent again). `message_id` is the message that carried it.
CREATE TABLE notifications (
    id          TEXT PRIMARY KEY,
    channel     TEXT NOT NULL,
    recipient   TEXT NOT NULL,
    kind        TEXT NOT NULL,
    case_id     INTEGER NOT NULL,
    event_seq   INTEGER NOT NULL,
    severity    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    message_id  TEXT,
    lease_owner TEXT,
    lease_until INTEGER,
    ended_at    INTEGER,
    error       TEXT,
    answer      TEXT,
    body        TEXT NOT NULL
);
-- An event makes one row, however often it is looked at.
CREATE UNIQUE INDEX one_notification_per_event
    ON notifications (case_id, channel, recipient, kind, event_seq);
CREATE INDEX notifications_due ON notifications (channel, next_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX notifications_dead ON notifications (id) WHERE state = 'dead';

-- What was handed to a provider, for its quota; rows older than the longest window are removed.
CREATE TABLE notification_sends (
    id          TEXT PRIMARY KEY,
    channel     TEXT NOT NULL,
    recipient   TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    ended_at    INTEGER
);
CREATE INDEX notification_sends_by_channel ON notification_sends (channel, lease_until);

-- One row for each channel, locked while its quota is counted; a provider's "too many" pauses it.
CREATE TABLE notification_channels (
    channel      TEXT PRIMARY KEY,
    paused_until INTEGER NOT NULL,
    counted_at   INTEGER NOT NULL
);

-- What happened before there were notifications is not told.
INSERT INTO counters (name, value) SELECT 'notify', value FROM counters WHERE name = 'event';
