-- depends: 0011_maintenance

-- A need that the devices of a site share (site_id, of rules that say so): the first device's is the parent, those of the
-- others are its children. cleared_at: the parent's own device has recovered, while others have not.
-- own_severity: how bad it is at the need's own device; a shared need is as bad as at the worst of its devices.
-- answered_severity: how bad a need was when it was decided what to do about it; not known of older ones.
ALTER TABLE need ADD COLUMN site_id text REFERENCES site;
ALTER TABLE need ADD COLUMN parent_id bigint REFERENCES need;
ALTER TABLE need ADD COLUMN cleared_at timestamptz;
ALTER TABLE need ADD COLUMN own_severity text CHECK (own_severity IN ('low', 'normal', 'high', 'critical'));
ALTER TABLE need ADD COLUMN answered_severity text CHECK (answered_severity IN ('low', 'normal', 'high', 'critical'));
ALTER TABLE need ADD CONSTRAINT need_child_is_shared CHECK (parent_id IS NULL OR site_id IS NOT NULL);
CREATE UNIQUE INDEX need_one_open_at_site ON need (site_id, customer_id, product, rule)
    WHERE state = 'open' AND parent_id IS NULL AND site_id IS NOT NULL;
CREATE INDEX need_child ON need (parent_id) WHERE parent_id IS NOT NULL;
