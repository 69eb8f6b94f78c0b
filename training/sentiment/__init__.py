"""Training recipe of Headroom's audience model: sentiment, delivery aspects and command intent of viewer messages."""
