"""Use cases: creates sessions, decides availability, supervises the sessions that live."""
