-- depends: 0008_imports

-- Every question about readings names metrics, and so is answered by the unique key. The index by device and time alone
-- took a third of the time that a reading needs to be stored, and a fifth of its space.
DROP INDEX reading_device_ts;
