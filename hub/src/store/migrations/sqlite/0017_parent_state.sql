-- How the link to the parent is, as its officers read it: JSON, written by who holds the link.
ALTER TABLE parent_link ADD COLUMN state TEXT;
-- When a child first fetched what it is asked for.
ALTER TABLE child_commands ADD COLUMN delivered_at INTEGER;
-- Events about a child hub: which, and which of its cases, where it is about one.
ALTER TABLE events ADD COLUMN child TEXT;
ALTER TABLE events ADD COLUMN child_epoch INTEGER;
ALTER TABLE events ADD COLUMN child_case INTEGER;
