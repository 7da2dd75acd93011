//! Fuzzes `fuzz::replies`; given files, runs those.
#![cfg_attr(fuzzing, no_main)]

fuzz::fuzzed!(replies);
