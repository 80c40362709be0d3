"""Pages for administrators: patients, people and teams."""
