-- A cuff or scale that several people use: each user that it keeps is a device of its own, with the same address.
ALTER TABLE device ADD COLUMN device_user int2 CHECK (device_user BETWEEN 0 AND 254);   -- NULL: it has one user
ALTER TABLE device DROP CONSTRAINT device_address_key;
CREATE UNIQUE INDEX device_address ON device (address, coalesce(device_user, -1));
