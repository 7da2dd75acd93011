//! The rule of one active connector, held whatever happens: many processes at once, killed at any instant, under load, with
//! the database away, with no room left.

mod databases;
mod killed;
mod no_room;
mod processes;
mod under_load;
