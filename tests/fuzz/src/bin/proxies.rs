//! Fuzzes `fuzz::proxies`; given files, runs those.
#![cfg_attr(fuzzing, no_main)]

fuzz::fuzzed!(proxies);
