"""Sets of programmes, wards and patients over that of the installation."""
