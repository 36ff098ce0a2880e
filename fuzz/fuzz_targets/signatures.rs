#![no_main]

#[path = "../../tests/common/bank.rs"]
mod bank;
#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::signatures(bytes));
