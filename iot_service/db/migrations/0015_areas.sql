-- depends: 0010_rule_versions

-- Areas of a customer, in the place of those of the product model: each of one or more circles (degrees of WGS 84,
-- metres). They are personal data, used only under the consent 'location'.
CREATE TABLE area (
    customer_id text NOT NULL REFERENCES customer,
    name        text NOT NULL CHECK (name ~ '^[A-Za-z][A-Za-z0-9_]{0,63}$'),
    circles     jsonb NOT NULL,
    PRIMARY KEY (customer_id, name)
);
