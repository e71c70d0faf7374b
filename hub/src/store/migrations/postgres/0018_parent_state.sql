-- How the link to the parent is, as its officers read it: JSON, written by who holds the link.
ALTER TABLE parent_link ADD COLUMN state TEXT;
-- When a child first fetched what it is asked for.
ALTER TABLE child_commands ADD COLUMN delivered_at BIGINT;
